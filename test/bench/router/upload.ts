// One backend, one large upload; tells its resident memory. Started by uploads.ts with the backend's name and the gigabytes.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '@gatehouse/daemon/config';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import {
  createFileBackend,
  createS3Backend,
  createStorageManager,
  parseFileName,
  signingKey,
} from '@gatehouse/storage';

const [kind = 'file', gigabytes = '1'] = process.argv.slice(2);
const chunkBytes = 64 * 1024;
const common = { usage: 'reports', urlLifeMs: 900_000 } as const;

await using folder = await temporaryFolder();
let service: ChildProcess | undefined;
const management =
  kind === 'file'
    ? createFileBackend({ ...common, basePath: folder.path, webPath: '/', signingKey: signingKey('secret', 'reports') })
    : await s3Backend();
const manager = createStorageManager({ ...common, readOnly: [], management, checkContent: false, allowAnyType: false });
const save = (name: string, bytes: number) =>
  manager.save(parseFileName(name), content(bytes), { tenant: 'public', overwrite: true });
await save('warm.bin', 32 * 1024 * 1024); // code, connections and buffers of the first parts are no cost of size
globalThis.gc?.();
const idleMiB = residentMiB();
let mostMiB = idleMiB;
const watch = setInterval(() => {
  mostMiB = Math.max(mostMiB, residentMiB());
}, 20);
const startedMs = performance.now();
await save('large.bin', Number(gigabytes) * 1024 ** 3);
const seconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
clearInterval(watch);
process.on('disconnect', () => process.exit(0));
service?.kill();
process.send?.({ idleMiB, mostMiB, addedMiB: mostMiB - idleMiB, seconds });

async function* content(bytes: number): AsyncIterable<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += chunkBytes)
    yield Buffer.alloc(Math.min(chunkBytes, bytes - sent), sent & 255);
}

async function s3Backend() {
  service = fork(join(import.meta.dirname, 'forgetful-s3.ts'));
  const [port] = await once(service, 'message');
  return createS3Backend({
    ...common,
    bucket: 'files',
    region: 'eu-test-1',
    endpoint: `http://127.0.0.1:${String(port)}`,
    useSsl: false,
    addressingStyle: 'path',
    secureUrls: false,
    customDomainMode: 'sign',
    signatureVersion: 's3v4',
    credentials: () => ({ accessKey: new Secret('key'), secretKey: new Secret('secret') }),
  });
}

function residentMiB(): number {
  const kiB = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Math.round(Number(kiB) / 1024);
}
