// Certificates for tests, made by openssl: an authority, servers, clients.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends AsyncDisposable {
  readonly cert: string;
  /** File with the authority's certificate. */
  readonly file: string;
  /** @param extensions lines of an openssl extension section, such as `subjectAltName=DNS:x` */
  issue(commonName: string, ...extensions: string[]): Promise<Pair>;
}

export async function createAuthority(name = 'Test authority'): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  // Servers that drop their rights still read the authority.
  await chmod(folder, 0o755);
  const at = (file: string) => join(folder, file);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  ]);
  let serial = 0;
  return {
    cert: await readFile(at('ca.pem'), 'utf8'),
    file: at('ca.pem'),
    async issue(commonName, ...extensions) {
      const own = `${++serial}`;
      await run('openssl', [
        'req',
        ...newKey,
        '-keyout',
        at(`${own}.key`),
        '-out',
        at(`${own}.csr`),
        '-subj',
        `/CN=${commonName}`,
      ]);
      await writeFile(at(`${own}.ext`), ['basicConstraints=CA:FALSE', ...extensions].join('\n'));
      const issued = [
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-set_serial',
        own,
        '-days',
        '2',
        '-extfile',
        at(`${own}.ext`),
      ];
      await run('openssl', ['x509', '-req', '-in', at(`${own}.csr`), ...issued, '-out', at(`${own}.pem`)]);
      return { cert: await readFile(at(`${own}.pem`), 'utf8'), key: await readFile(at(`${own}.key`), 'utf8') };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
