// The real `radclient` of FreeRADIUS as a peer: what it was told, and what it says came back. Used by tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RadclientResult {
  /** `Access-Accept`, `Access-Reject`, …; `none` when no acceptable answer came. */
  readonly code: string;
  /** Its whole output; `Name = value` lines of the reply. */
  readonly output: string;
}

export interface RadclientOptions {
  readonly kind?: 'auth' | 'acct' | 'status' | 'disconnect';
  readonly secret?: string;
  /** 127.0.0.1 unless given; IPv6 in brackets. */
  readonly host?: string;
  readonly timeoutS?: number;
  readonly tries?: number;
}

/** @param input one line of radclient's syntax; `MA` asks for a Message-Authenticator */
export async function radclient(port: number, input: string, options: RadclientOptions = {}): Promise<RadclientResult> {
  const { kind = 'auth', secret = 'testing123', host = '127.0.0.1', timeoutS = 5, tries = 1 } = options;
  const args = [
    '-x',
    ...(host.startsWith('[') ? ['-6'] : []),
    '-r',
    String(tries),
    '-t',
    String(timeoutS),
    `${host}:${port}`,
    kind,
    secret,
  ];
  const child = spawn('radclient', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  child.stdin.end(`${input.replace(/\bMA\b/, 'Message-Authenticator=0x00')}\n`);
  await once(child, 'close');
  return { code: /Received (\S+) Id/.exec(output)?.[1] ?? 'none', output: output.slice(output.indexOf('Received ')) };
}
