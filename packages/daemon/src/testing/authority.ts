// An authority of its own for tests, by openssl: servers, clients, an intermediate, revocation lists. Used by tests.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /** `any`: it says nothing about it. */
  readonly purpose?: 'client' | 'server' | 'any';
  /** Alternative names in openssl's syntax, such as `email:alice@example.test`. */
  readonly names?: string;
  /** Days from now until it ends; negative for one that has ended. */
  readonly days?: number;
  readonly isAuthority?: boolean;
  /** Of an authority: how many may stand below it. */
  readonly pathLength?: number;
  /** Of 256 and 2048 bits; `ec` unless given. */
  readonly key?: 'ec' | 'rsa';
  /** Further ones in openssl's syntax, such as `keyUsage=critical,keyAgreement`. */
  readonly extensions?: readonly string[];
  /** What the authority signs over; `sha256` unless given. */
  readonly digest?: string;
  /** A whole name in openssl's syntax, such as `/O=Example/CN=alice`; the common name alone unless given. */
  readonly subject?: string;
}

export interface TestAuthority extends AsyncDisposable {
  readonly caPem: string;
  readonly caFile: string;
  issue(commonName: string, options?: IssueOptions): Promise<Issued>;
  /** A list that revokes these. @param days until the list ends; negative for one that has ended */
  revoke(issued: readonly Issued[], days?: number): Promise<string>;
}

/** @param own of an authority that another one has issued; without, it signs itself */
export async function createTestAuthority(name = 'Test CA', own?: Issued): Promise<TestAuthority> {
  const folder = await temporaryFolder();
  const file = (one: string) => join(folder.path, one);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder.path });
  await writeFile(file('ca.cnf'), config);
  await writeFile(file('index.txt'), '');
  await writeFile(file('crlnumber'), '01\n');
  await writeFile(file('serial'), '01\n');
  if (own === undefined) {
    await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ca.key');
    const words = [
      '-subj',
      `/CN=${name}`,
      '-days',
      '30',
      '-out',
      'ca.pem',
      '-config',
      'ca.cnf',
      '-extensions',
      'v3_ca',
    ];
    await openssl('req', '-x509', '-new', '-key', 'ca.key', ...words);
  } else {
    await writeFile(file('ca.key'), own.keyPem);
    await writeFile(file('ca.pem'), own.certPem);
  }
  let serial = 1;
  return {
    caPem: await readFile(file('ca.pem'), 'utf8'),
    caFile: file('ca.pem'),
    async issue(
      commonName,
      {
        purpose = 'client',
        names,
        days = 10,
        isAuthority = false,
        pathLength,
        key = 'ec',
        extensions: further = [],
        digest = 'sha256',
        subject = `/CN=${commonName}`,
      } = {},
    ) {
      const id = `c${serial++}`;
      const extensions = [
        `basicConstraints=critical,CA:${isAuthority}${pathLength === undefined ? '' : `,pathlen:${pathLength}`}`,
        ...(purpose === 'any' ? [] : [`extendedKeyUsage=${purpose}Auth`]),
        ...(names === undefined ? [] : [`subjectAltName=${names}`]),
        ...further,
      ];
      await writeFile(file(`${id}.ext`), `${extensions.join('\n')}\n`);
      await (key === 'ec'
        ? openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${id}.key`)
        : openssl('genrsa', '-out', `${id}.key`, '2048'));
      await openssl('req', '-new', '-key', `${id}.key`, '-subj', subject, '-out', `${id}.csr`, '-config', 'ca.cnf');
      const at = (offset: number) =>
        `${new Date(Date.now() + offset * 86_400_000).toISOString().replace(/[-T:]|\.\d+/g, '')}`;
      await openssl(
        'ca',
        '-batch',
        '-config',
        'ca.cnf',
        '-in',
        `${id}.csr`,
        '-out',
        `${id}.pem`,
        '-extfile',
        `${id}.ext`,
        '-notext',
        '-startdate',
        at(-20),
        '-enddate',
        at(days),
        '-rand_serial',
        '-md',
        digest,
      );
      return { certPem: await readFile(file(`${id}.pem`), 'utf8'), keyPem: await readFile(file(`${id}.key`), 'utf8') };
    },
    async revoke(issued, days = 10) {
      for (const [at, { certPem }] of issued.entries()) {
        await writeFile(file(`r${at}.pem`), certPem);
        await openssl('ca', '-config', 'ca.cnf', '-revoke', `r${at}.pem`);
      }
      const time = (offset: number) =>
        `${new Date(Date.now() + offset * 86_400_000).toISOString().replace(/[-T:]|\.\d+/g, '')}`;
      await openssl(
        'ca',
        '-config',
        'ca.cnf',
        '-gencrl',
        '-crl_lastupdate',
        time(-20),
        '-crl_nextupdate',
        time(days),
        '-out',
        'list.crl',
      );
      return readFile(file('list.crl'), 'utf8');
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const config = `
[ca]
default_ca = it
[it]
database = index.txt
crlnumber = crlnumber
serial = serial
rand_serial = yes
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 10
policy = any
unique_subject = no
copy_extensions = none
[any]
organizationName = optional
organizationalUnitName = optional
commonName = supplied
emailAddress = optional
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[v3_ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;
