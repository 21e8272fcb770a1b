// FreeRADIUS from one configuration file of our own, as proxy or as server. Used by tests and benchmarks.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../harness/index.ts';
import { type Program, startProgram } from './site.ts';

export interface FreeRadiusOptions {
  /** Where it may write. */
  readonly folder: string;
  readonly secret: string;
  /** Where its requests go; without, it decides by `users`. */
  readonly homeServer?: HomeServer;
  /** Text of a users file. */
  readonly users?: string;
  readonly threads?: number;
  /** Further text inside `modules`, and `eap` in the right places when true. */
  readonly eapModule?: string;
  /** Takes RadSec too, from whoever the authority has signed. */
  readonly radsec?: TlsFiles;
  /** What it does as a device with a Disconnect- or CoA-Request, in its own language: `ok` acknowledges, `reject` does not. */
  readonly coa?: string;
  /** Prints every packet; slow. */
  readonly isLoud?: boolean;
}

export interface HomeServer {
  readonly port: number;
  readonly secret: string;
  /** RadSec. */
  readonly tls?: TlsFiles;
}

/** Files of its own certificate, key, and of the authority. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface FreeRadius extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly accountingPort: number;
  readonly radsecPort: number;
  readonly coaPort: number;
  output(): string;
}

export async function startFreeRadius(options: FreeRadiusOptions): Promise<FreeRadius> {
  const port = await freePort();
  const [accountingPort, radsecPort, coaPort] = [await freePort(), await freePort(), await freePort()];
  const folder = join(options.folder, `freeradius-${port}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'users'), options.users ?? '');
  await writeFile(
    join(folder, 'radiusd.conf'),
    configuration(options, folder, { port, accountingPort, radsecPort, coaPort }),
  );
  const words = ['-d', folder, '-n', 'radiusd', '-l', 'stdout', verbosity(options)];
  const program: Program = startProgram('freeradius', words, folder);
  await program.printed(/Ready to process requests/).catch(async (error: unknown) => {
    await program[Symbol.asyncDispose]();
    throw error;
  });
  return {
    pid: program.pid,
    port,
    accountingPort,
    radsecPort,
    coaPort,
    output: program.output,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** With TLS it wants its threads, which `-X` takes away. */
function verbosity({ isLoud = true, radsec }: FreeRadiusOptions): string {
  if (!isLoud) return '-f';
  return radsec === undefined ? '-X' : '-fxx';
}

function configuration(
  { secret, homeServer, threads = 1, eapModule = '', radsec, coa }: FreeRadiusOptions,
  folder: string,
  { port, accountingPort, radsecPort, coaPort }: Omit<FreeRadius, 'pid' | 'output' | typeof Symbol.asyncDispose>,
): string {
  const hasEap = eapModule !== '';
  const proxied = homeServer !== undefined;
  return `
prefix = /usr
raddbdir = ${folder}
logdir = ${folder}
run_dir = ${folder}
libdir = /usr/lib/freeradius
pidfile = ${folder}/pid
max_request_time = 30
cleanup_delay = 0
max_requests = 65536
hostname_lookups = no
log {
  destination = stdout
  auth = no
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
proxy_requests = ${proxied ? 'yes' : 'no'}
thread pool {
  start_servers = ${threads}
  max_servers = ${threads}
  min_spare_servers = ${threads}
  max_spare_servers = ${threads}
  max_requests_per_server = 0
  auto_limit_acct = no
}
modules {
  pap {
    normalise = no
  }
  files {
    filename = ${folder}/users
  }
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
  ${eapModule}
}
client devices {
  ipaddr = 127.0.0.1
  secret = ${secret}
}
${proxied ? homeServerText(homeServer) : ''}
${radsec === undefined ? '' : radsecClients}
server default {
  ${radsec === undefined ? '' : radsecListener(radsecPort, radsec)}
  ${
    coa === undefined
      ? ''
      : `listen {
    type = coa
    ipaddr = 127.0.0.1
    port = ${coaPort}
  }
  recv-coa {
    ${coa}
  }
  send-coa {
    ok
  }`
  }
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${accountingPort}
  }
  authorize {
    ${proxied ? toSite : `${hasEap ? 'eap {\n      ok = return\n    }' : ''}\n    files\n    pap`}
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    ${hasEap ? 'eap' : ''}
  }
  post-auth {
    update reply {
      &Message-Authenticator := 0x00
    }
    Post-Auth-Type REJECT {
      update reply {
        &Message-Authenticator := 0x00
      }
    }
  }
  preacct {
    ${proxied ? toSite : 'ok'}
  }
  accounting {
    ok
  }
}
${hasEap ? innerServer(eapModule.includes('peap {')) : ''}
`;
}

/** RFC 6614 §2.3: the secret over TLS is no secret. */
const radsecClients = `clients radsec {
  client us {
    ipaddr = 127.0.0.1
    proto = tls
    secret = radsec
  }
}`;

const radsecListener = (port: number, { certificate, key, ca }: TlsFiles) => `listen {
    type = auth+acct
    proto = tcp
    ipaddr = 127.0.0.1
    port = ${port}
    clients = radsec
    tls {
      private_key_file = ${key}
      certificate_file = ${certificate}
      ca_file = ${ca}
      fragment_size = 8192
      check_crl = no
      require_client_cert = yes
      tls_min_version = "1.2"
      tls_max_version = "1.2"
    }
  }`;

const toSite = 'update control {\n      &Proxy-To-Realm := "site"\n    }';
/** @param hasEap the tunnel holds EAP again */
const innerServer = (hasEap: boolean) => `
server inner {
  authorize {
    files
    ${hasEap ? 'eap' : ''}
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    ${hasEap ? 'eap' : ''}
  }
}`;

function homeServerText({ port, secret, tls }: HomeServer): string {
  const transport =
    tls === undefined
      ? 'status_check = status-server\n  check_interval = 6\n  num_answers_to_alive = 3'
      : `proto = tcp
    tls {
      private_key_file = ${tls.key}
      certificate_file = ${tls.certificate}
      ca_file = ${tls.ca}
      fragment_size = 8192
      check_crl = no
      tls_min_version = "1.2"
      tls_max_version = "1.2"
    }`;
  return `
proxy server {
  default_fallback = no
}
home_server site {
  type = auth${tls === undefined ? '' : '+acct'}
  ipaddr = 127.0.0.1
  port = ${port}
  secret = ${secret}
  ${transport}
}
home_server_pool site {
  type = fail-over
  home_server = site
}
realm site {
  auth_pool = site
  ${tls === undefined ? '' : 'acct_pool = site'}
  nostrip
}
`;
}
