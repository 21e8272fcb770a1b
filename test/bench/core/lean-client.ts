// A client for measuring: kept connections, cookies, nothing else, so that what is measured is the core and not the client.
import { Agent, request } from 'node:http';

export interface LeanAnswer {
  readonly status: number;
  readonly body: string;
  /** As the core calls the request in its log. */
  readonly id: string;
}

export interface LeanVisitor {
  /** Time spent waiting for answers so far. */
  readonly waitedMs: number;
  /** Ids of the requests so far. */
  readonly requests: readonly string[];
  /** One step of a flow, redirects followed. */
  flow(slug: string, answer?: object): Promise<LeanAnswer>;
}

export interface LeanClient {
  visitor(headers?: Readonly<Record<string, string>>): LeanVisitor;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<LeanAnswer>;
  close(): void;
}

export function createLeanClient(origin: string): LeanClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const send = (path: string, headers: Readonly<Record<string, string>>, body?: string) =>
    new Promise<LeanAnswer & { readonly cookies: readonly string[]; readonly location: string }>((resolve, reject) => {
      const sent = request(
        origin + path,
        { agent, method: body === undefined ? 'GET' : 'POST', headers },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => {
            const { 'set-cookie': cookies = [], location = '', 'x-authentik-id': id } = response.headers;
            resolve({ status: response.statusCode ?? 0, body: text, id: String(id), cookies, location });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  return {
    get: (path, headers = {}) => send(path, headers),
    close: () => agent.destroy(),
    visitor(given = {}) {
      const jar = new Map<string, string>();
      const requests: string[] = [];
      let waitedMs = 0;
      const once = async (path: string, body?: string) => {
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
        const headers = {
          ...given,
          ...(cookie === '' ? {} : { cookie }),
          ...(jar.has('authentik_csrf') ? { 'x-authentik-csrf': jar.get('authentik_csrf') ?? '' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        };
        const startedMs = performance.now();
        const answer = await send(path, headers, body);
        waitedMs += performance.now() - startedMs;
        requests.push(answer.id);
        for (const line of answer.cookies) {
          const [pair = ''] = line.split(';');
          jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
        }
        return answer;
      };
      return {
        requests,
        get waitedMs() {
          return waitedMs;
        },
        async flow(slug, answer) {
          const path = `/api/v3/flows/executor/${slug}/?query=`;
          let found = await once(path, answer === undefined ? undefined : JSON.stringify(answer));
          for (let hops = 0; found.status === 302 && hops < 8; hops += 1) found = await once(found.location);
          return found;
        },
      };
    },
  };
}
