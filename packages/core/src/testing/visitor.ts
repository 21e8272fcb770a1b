// A visitor with a cookie jar, as a browser or an outpost would be one: follows 302 by GET, keeps what it is given.

export interface Challenge {
  readonly component: string;
  readonly response_errors?: Readonly<Record<string, readonly { readonly string: string; readonly code: string }[]>>;
  readonly [field: string]: unknown;
}

export interface Visitor {
  readonly cookies: ReadonlyMap<string, string>;
  setCookie(name: string, value: string): void;
  /** One request, redirects not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Looks at a flow, or answers it, and follows to the next challenge. */
  flow(
    slug: string,
    answer?: object | string,
    query?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Challenge>;
}

export function createVisitor(baseUrl: string, headers: Readonly<Record<string, string>> = {}): Visitor {
  const cookies = new Map<string, string>();
  const once = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const csrf = cookies.get('authentik_csrf');
    const response = await fetch(new URL(path, baseUrl), {
      redirect: 'manual',
      ...init,
      headers: {
        ...headers,
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...(csrf === undefined ? {} : { 'X-authentik-CSRF': csrf }),
        ...(init.headers as Record<string, string> | undefined), // tests give plain objects
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return response;
  };
  return {
    cookies,
    setCookie: (name, value) => void cookies.set(name, value),
    fetch: once,
    async flow(slug, answer, query = '', extra = {}) {
      const root = new URL('api/v3/flows/executor/', baseUrl).pathname;
      const path = `${root}${slug}/?query=${encodeURIComponent(query)}`;
      const init: RequestInit =
        answer === undefined
          ? { headers: extra }
          : {
              method: 'POST',
              body: typeof answer === 'string' ? answer : JSON.stringify(answer),
              headers: { ...extra, 'Content-Type': 'application/json' },
            };
      let response = await once(path, init);
      for (let hops = 0; response.status === 302 && hops < 32; hops += 1)
        response = await once(path, { headers: extra });
      return (await response.json()) as Challenge; // the shape is what the tests are about
    },
  };
}
