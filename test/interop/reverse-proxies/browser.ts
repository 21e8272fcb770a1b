// A browser as far as logins need one: cookies per host, redirects, raw request targets. Used by matrix.test.ts.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface Page {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];
  /** Every `Set-Cookie`, in order. */
  readonly given: string[] = [];

  cookies(host: string): Map<string, string> {
    const known = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, known);
    return known;
  }

  /** One request; every host name leads to this machine. @param url path and query go out byte for byte */
  async send(url: string, { method = 'GET', headers = {}, body }: Visit = {}): Promise<Page> {
    const match = /^http:\/\/([^/]+)(.*)$/.exec(url);
    const host = match?.[1] ?? '';
    this.visited.push(url);
    const cookie = [...this.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
    const call = request({
      host: '127.0.0.1',
      port: Number(host.split(':')[1] ?? 80),
      path: match?.[2] ?? '/',
      method,
      agent: false,
      headers: { Host: host, Accept: 'text/html', ...(cookie === '' ? {} : { Cookie: cookie }), ...headers },
    });
    call.end(body);
    const [answer] = (await once(call, 'response')) as [IncomingMessage]; // the event's one argument
    let text = '';
    for await (const part of answer) text += String(part);
    for (const set of answer.headers['set-cookie'] ?? []) {
      this.given.push(set);
      keep(this.cookies(host), set);
    }
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: text };
  }

  /** Follows redirects to the end. */
  async open(url: string, visit: Visit = {}): Promise<Page & { readonly url: string }> {
    let at = url;
    for (let round = 0; round < 12; round++) {
      const page = await this.send(at, visit);
      const location = page.headers.location;
      if (page.status !== 302 || location === undefined) return { ...page, url: at };
      at = new URL(location, at).href;
    }
    throw new Error(`redirected for ever: ${this.visited.join(' → ')}`);
  }
}

function keep(cookies: Map<string, string>, set: string): void {
  const [pair = ''] = set.split(';');
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  if (/max-age=0/i.test(set)) cookies.delete(name);
  else cookies.set(name, value);
}
