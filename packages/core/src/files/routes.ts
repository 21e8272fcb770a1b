// `/api/v3/admin/file/` (files.md §8): list, upload, delete, used-by; beyond it pages with details, the report of orphans
// and danglers, a new name or content for a file, and a delete that refuses while something shows it.

import { compareReferences, isApiUsage, parseFileName, refersTo, type Usage } from '@gatehouse/storage';
import { z } from 'zod';
import { useShape } from '../api/answers.ts';
import { ApiFailure } from '../api/failure.ts';
import { type ApiRequest, authorOf, bodyOf, originOf, queryOf, requirePermission } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { may, type Principal } from '../identity/permissions.ts';
import { message } from '../models/invalid.ts';
import { appLabel, modelName, permissionName } from '../models/model.ts';
import { fileReferencesShape, filesShape, storedFileShape, uploadedFileShape } from './answers.ts';
import { createTroubleReport, recordFileEvent } from './audit.ts';
import { tenant } from './core-files.ts';
import { isTrue, listFiles } from './listing.ts';
import { type FileOwner, fileMentions, fileReferences } from './references.ts';
import { isStoreTrouble, refusalOf } from './refusals.ts';
import { renameFile } from './rename.ts';
import { notManageable, receiveUpload } from './upload.ts';

const path = '/api/v3/admin/file/';
const view = 'authentik_rbac.view_media_files';
const manage = 'authentik_rbac.manage_media_files';

const form = z.object({ file: z.string(), name: z.string().optional(), usage: z.string().optional() });
const upload = {
  summary: 'Store a file; the answer is empty unless `detail` is asked for',
  consumes: 'multipart/form-data',
  body: form,
  answer: uploadedFileShape,
};

export function registerFileRoutes(api: Api, deps: CoreDeps): void {
  const report = createTroubleReport(deps);
  /** Runs what touches the store; its faults become refusals, and a store out of order an event. */
  const touching = async <T>(usage: Usage, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (isStoreTrouble(error) && error instanceof Error) await report(usage, error);
      throw refusalOf(error);
    }
  };
  void api.register(async (scope) => {
    scope.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null, undefined));
    const about = (summary: string, answer?: z.ZodType) => ({
      config: { operation: { summary, ...(answer === undefined ? { isEmpty: true } : { answer }) } },
    });
    scope.get(path, about('Files, or pages of them with `detail`', filesShape), (request) => {
      requirePermission(request, view);
      const query = queryOf(request);
      const usage = usageOf(query);
      return touching(usage, () => listFiles(deps.files, usage, originOf(request), query));
    });
    scope.post(path, { config: { operation: upload } }, async (request, reply) => {
      const principal = requirePermission(request, manage);
      requireForm(request);
      const replace = isTrue(queryOf(request).get('replace'));
      const saved = await touching('media', () => receiveUpload(deps.files, request.raw, replace));
      const { name, size, sha256, contentType, replaced } = saved;
      await recordFileEvent(deps, request, replaced ? 'model_updated' : 'model_created', {
        name,
        usage: 'media',
        mime_type: contentType,
        size,
        sha256,
      });
      deps.log.info('file stored', { name, size, username: principal.user.username });
      if (!isTrue(queryOf(request).get('detail'))) return reply.code(200).send();
      const origin = originOf(request);
      const [url, themed_urls] = [await deps.files.url(name, origin), await deps.files.themedUrls(name, origin)];
      return { name, mime_type: contentType, size, etag: sha256, url, themed_urls };
    });
    scope.patch(path, about('Another name', storedFileShape), async (request) => {
      const principal = requirePermission(request, manage);
      const query = queryOf(request);
      const usage = usageOf(query);
      const [from, to] = [requireName(query), String(bodyOf(request)['name'] ?? '').trim()];
      const saved = await touching(usage, async () => {
        await requireManageable(deps, usage);
        return renameFile(deps, { usage, from, to, principal, author: authorOf(request) });
      });
      await recordFileEvent(deps, request, 'model_updated', { name: saved.name, usage, renamed_from: from });
      return { name: saved.name, mime_type: saved.contentType, size: saved.size, etag: saved.sha256 };
    });
    scope.delete(path, about('Delete a file'), async (request, reply) => {
      const principal = requirePermission(request, manage);
      const query = queryOf(request);
      const usage = usageOf(query);
      const name = requireName(query);
      if (isTrue(query.get('refuse_used'))) await refuseUsed(deps, principal, name);
      const removed = await touching(usage, async () => {
        await requireManageable(deps, usage);
        return deps.files[usage].delete(parseFileName(name), tenant);
      });
      if (removed) await recordFileEvent(deps, request, 'model_deleted', { name, usage });
      return reply.code(200).send();
    });
    scope.get(`${path}used_by/`, about('What shows a file', z.array(useShape)), async (request) => {
      const principal = requirePermission(request, view);
      const query = queryOf(request);
      usageOf(query);
      return usersOf(deps, principal, requireName(query));
    });
    scope.get(
      `${path}references/`,
      about('Files that nothing shows, and names of none', fileReferencesShape),
      async (request) => {
        const principal = requirePermission(request, view);
        const usage = usageOf(queryOf(request));
        return touching(usage, () => referenceReport(deps, principal, usage));
      },
    );
  });
}

/** What shows the file, as far as the caller may see it; each object once. */
async function usersOf(deps: CoreDeps, principal: Principal, name: string) {
  const references = await fileReferences(deps);
  const owners = references.filter(({ value }) => refersTo(value, name)).map(({ owner }) => owner);
  const visible = owners.filter(({ model, key }) => may(principal, permissionName(model, 'view'), key));
  const seen = new Map(visible.map((owner) => [`${owner.model.table} ${owner.key}`, owner]));
  return [...seen.values()].map((owner) => ({ ...shown(owner), action: 'left_dangling' }));
}

async function referenceReport(deps: CoreDeps, principal: Principal, usage: Usage) {
  const [references, mentions] = await Promise.all([fileReferences(deps), fileMentions(deps)]);
  const { orphans, dangling } = await compareReferences(deps.files[usage].list(tenant, true), references);
  return {
    orphans: orphans
      .filter(({ name }) => !mentions.includes(name))
      .map(({ name, size, modifiedAt }) => ({ name, size: size ?? null, modified: modifiedAt?.toISOString() ?? null })),
    dangling: dangling
      .filter(({ reference: { owner } }) => may(principal, permissionName(owner.model, 'view'), owner.key))
      .map(({ missing, reference }) => ({ ...shown(reference.owner), field: reference.owner.field, missing })),
  };
}

/** @throws GatewayError `ERR_STORAGE_NOT_MANAGEABLE` */
async function requireManageable(deps: CoreDeps, usage: Usage): Promise<void> {
  const manageable = await deps.files[usage].manageable();
  if (!manageable.manageable) throw notManageable(manageable.reason);
}

async function refuseUsed(deps: CoreDeps, principal: Principal, name: string): Promise<void> {
  const used = await usersOf(deps, principal, name);
  if (used.length > 0) throw new ApiFailure(409, { detail: 'The file is shown by other objects.', used_by: used });
}

function shown({ model, key, title }: FileOwner) {
  return { app: appLabel(model), model_name: modelName(model), pk: String(key), name: title };
}

/** @throws ApiFailure 400 for a usage that is not served here */
function usageOf(query: URLSearchParams): Usage {
  const usage = query.get('usage') ?? 'media';
  if (isApiUsage(usage)) return usage;
  throw new ApiFailure(400, { usage: [message.choice(usage)] });
}

function requireName(query: URLSearchParams): string {
  const name = (query.get('name') ?? '').trim();
  if (name === '') throw new ApiFailure(400, { name: [message.required] });
  return name;
}

function requireForm(request: ApiRequest): void {
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data(?:;|$)/i.test(type)) return;
  throw new ApiFailure(415, { detail: `Unsupported media type "${type.split(';')[0]}" in request.` });
}
