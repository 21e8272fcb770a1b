// Routes of blueprints (core.md §11.6, §20.4): instances, the files there are, applying, importing.

import { z } from 'zod';
import { anything, logLineShape, moment } from '../api/answers.ts';
import { registerModelRoutes, representOne } from '../api/crud.ts';
import { ApiFailure, noPermission } from '../api/failure.ts';
import { type ApiRequest, authorOf, queryOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { readForm } from '../files/form.ts';
import { flowModel } from '../flows/models.ts';
import { may, mayEverywhere, type Principal } from '../identity/permissions.ts';
import { isTruthText } from '../models/filters.ts';
import { invalidField } from '../models/invalid.ts';
import { permissionName } from '../models/model.ts';
import { inUnit } from '../models/unit.ts';
import { enqueue, logLine } from '../tasks/queue.ts';
import { applyBlueprint } from './apply.ts';
import { exportFlow } from './export.ts';
import { parseFile } from './folder.ts';
import { nestedBlueprints } from './instances.ts';
import { blueprintModel } from './models.ts';
import { metaApplyModel } from './nested.ts';
import { type Blueprint, readBlueprint } from './read.ts';
import { applyActor } from './tasks.ts';

/** A blueprint in a folder. */
export const blueprintFileShape = z.object({
  path: z.string(),
  last_m: moment,
  hash: z.string(),
  meta: z.looseObject({ name: z.string(), labels: anything }),
});

/** What an import did, or would do. */
export const importShape = z.object({
  success: z.boolean(),
  logs: z.array(logLineShape),
  entries: z.array(z.looseObject({ entry: z.string(), model: z.string(), action: z.string() })).optional(),
});

const prefix = '/api/v3/managed/blueprints';
const longest = 2_000_000;

export function registerBlueprintRoutes(api: Api, deps: CoreDeps): void {
  api.get(
    `${prefix}/available/`,
    { config: { operation: { summary: 'Files there are', answer: z.array(blueprintFileShape) } } },
    async (request) => {
      requirePermission(request, permissionName(blueprintModel, 'view'));
      return listFiles(deps);
    },
  );
  api.post(
    `${prefix}/:key/apply/`,
    { config: { operation: { summary: 'Apply it now', row: blueprintModel } } },
    async (request) => {
      const row = await rowOf(deps, blueprintModel, request, 'view');
      const principal = requirePrincipal(request);
      if (!may(principal, permissionName(blueprintModel, 'change'), String(row['uuid']))) throw noPermission();
      const instance = String(row['uuid']);
      await inUnit(deps, authorOf(request), ({ db }) =>
        enqueue(db, {
          actor: applyActor,
          args: { instance },
          suffix: String(row['name']),
          about: { app: 'authentik_blueprints', model: 'blueprintinstance', id: instance },
        }),
      );
      return representOne(deps, blueprintModel, row, request);
    },
  );
  api.get(
    '/api/v3/flows/instances/:key/export/',
    { config: { operation: { summary: 'The flow as a blueprint', answer: z.string(), produces: 'application/yaml' } } },
    async (request, reply) => {
      const row = await rowOf(deps, flowModel, request, 'view');
      if (!may(requirePrincipal(request), 'authentik_flows.export_flow', String(row['uuid']))) throw noPermission();
      return reply
        .type('application/yaml')
        .header('Content-Disposition', `attachment; filename="flow-${String(row['slug'])}.yaml"`)
        .send(await exportFlow(deps, row));
    },
  );
  void api.register(async (scope) => {
    scope.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
    scope.post(
      `${prefix}/import/`,
      {
        config: {
          operation: { summary: 'Apply a file once', consumes: 'multipart/form-data', body: form, answer: importShape },
        },
      },
      (request) => importBlueprint(deps, request),
    );
  });
  registerModelRoutes(api, deps, blueprintModel);
}

const form = z.object({ file: z.string().optional(), path: z.string().optional(), context: z.string().optional() });

async function listFiles({ blueprints }: CoreDeps) {
  return (await blueprints.files()).map((file) => {
    const metadata = readMetadata(file.text);
    return {
      path: file.path,
      last_m: file.modified.toISOString(),
      hash: file.hash,
      meta: { name: file.path, labels: {}, ...metadata },
    };
  });
}

function readMetadata(text: string): Readonly<Record<string, unknown>> {
  try {
    return readBlueprint(text, '').metadata;
  } catch {
    return {}; // listed all the same: applying it tells what is wrong
  }
}

/** 200 in both outcomes, as clients expect; with `?dry_run=true` nothing stays, and the answer tells what would. */
async function importBlueprint(deps: CoreDeps, request: ApiRequest) {
  requirePrincipal(request);
  const { blueprint, context } = await readUpload(deps, request);
  checkRights(deps, requirePrincipal(request), blueprint);
  const dryRun = isTruthText(queryOf(request).get('dry_run') ?? '');
  const author = { ...authorOf(request), cause: `blueprint ${blueprint.name}` };
  const options = { env: deps.blueprints.env, nested: nestedBlueprints(deps), dryRun, author, context };
  try {
    const { logs, entries } = await applyBlueprint(deps, blueprint, options);
    return { success: true, logs, ...(dryRun ? { entries } : {}) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const logs: TaskLog[] = [logLine('authentik.blueprints', 'error', reason, { blueprint: blueprint.name })];
    return { success: false, logs };
  }
}

interface Upload {
  readonly blueprint: Blueprint;
  /** Over the file's own. */
  readonly context: Readonly<Record<string, unknown>>;
}

async function readUpload(deps: CoreDeps, request: ApiRequest): Promise<Upload> {
  const { fields, file } = await readForm(request.raw, async ({ content, fileName }) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > longest) throw new ApiFailure(413, { detail: `A blueprint has at most ${longest} bytes.` });
      chunks.push(chunk);
    }
    return { name: fileName, text: Buffer.concat(chunks).toString('utf8') };
  });
  const path = fields.get('path');
  const context = readContext(fields.get('context') ?? '');
  try {
    if (file !== undefined) return { blueprint: readBlueprint(file.text, file.name), context };
    if (path !== undefined) return { blueprint: parseFile(await deps.blueprints.read(path)).blueprint, context };
  } catch (error) {
    throw invalidField(file === undefined ? 'path' : 'file', error instanceof Error ? error.message : String(error));
  }
  throw invalidField('file', 'No file was submitted.');
}

/** @throws InvalidInput for anything but a JSON object */
function readContext(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw invalidField('context', 'Value must be a JSON object.');
  }
}

/** Whoever imports needs the rights to make, change and delete each kind that the file names. */
function checkRights({ registry }: CoreDeps, principal: Principal, { entries }: Blueprint): void {
  const refused: Record<string, string> = {};
  for (const [at, { id, model: name }] of entries.entries()) {
    const model = typeof name === 'string' ? registry.get(name) : undefined;
    const isMeta = typeof name === 'string' && name.toLowerCase() === metaApplyModel;
    const actions = ['add', 'change', 'delete'] as const;
    // A model behind a tag is not known before it is applied: administrators only.
    const allowed =
      principal.isSuperuser ||
      (isMeta && mayEverywhere(principal, permissionName(blueprintModel, 'change'))) ||
      (model !== undefined && actions.every((action) => mayEverywhere(principal, permissionName(model, action))));
    if (!allowed) refused[id ?? String(at + 1)] = `User lacks permission to create ${String(name)}`;
  }
  if (Object.keys(refused).length > 0) throw new ApiFailure(403, refused);
}
