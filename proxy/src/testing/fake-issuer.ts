// An OpenID Connect issuer that behaves like the core's (proxy.md §7): one user who is always logged in, codes with PKCE,
// signed tokens, introspection, key sets; and the two REST lists that the daemon reads at its start. Faults per path.
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ProxyProviderRow } from '@gatehouse/contract/rest';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
  readonly body: string;
}

export type Fault = { readonly status: number; readonly body?: string };

export interface FakeIssuer extends AsyncDisposable {
  readonly url: string;
  /** Claims of whoever logs in next; merged over the defaults. */
  user: Record<string, unknown>;
  algorithm: 'HS256' | 'RS256' | 'ES256';
  lifeS: number;
  /** Overrides of token claims, for tokens that must be refused. */
  tokenClaims: Record<string, unknown>;
  /** Answers of the authorize endpoint are this error instead. */
  denied: string | undefined;
  /** Its clock. */
  now: () => number;
  /** Grants `offline_access`: refresh tokens, each good once. */
  offline: boolean;
  /** Whether a refresh token that is used twice ends all that came of its login (RFC 9700 §4.14.2). */
  dropsFamilies: boolean;
  /** Tokens that it grants are active when it is asked about them. */
  remembers: boolean;
  readonly requests: SeenRequest[];
  readonly faults: Map<string, Fault>;
  readonly active: Map<string, Record<string, unknown>>;
  readonly appPasswords: Map<string, string>;
  readonly providers: ProxyProviderRow[];
  row(given?: Partial<ProxyProviderRow>): ProxyProviderRow;
  sign(claims: Record<string, unknown>, options?: SignOptions): string;
  rotateKeys(): void;
}

interface SignOptions {
  readonly algorithm?: string;
  readonly secret?: string;
  readonly kid?: string;
  readonly type?: string;
}

interface Code {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string;
}

export const clientSecret = 'client-secret-of-the-fixture';

export async function fakeIssuer(): Promise<FakeIssuer> {
  const issuer = new Issuer();
  await issuer.listen();
  return issuer;
}

class Issuer implements FakeIssuer {
  user: Record<string, unknown> = {};
  algorithm: FakeIssuer['algorithm'] = 'HS256';
  lifeS = 3_600;
  tokenClaims: Record<string, unknown> = {};
  denied: string | undefined;
  offline = false;
  dropsFamilies = false;
  remembers = false;
  now: () => number = Date.now;
  readonly requests: SeenRequest[] = [];
  readonly faults = new Map<string, Fault>();
  readonly active = new Map<string, Record<string, unknown>>();
  readonly appPasswords = new Map<string, string>();
  readonly providers: ProxyProviderRow[] = [];
  readonly #codes = new Map<string, Code>();
  readonly #refreshTokens = new Set<string>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #keys = firstKeys();

  get url(): string {
    const at = this.#server.address();
    return `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  rotateKeys(): void {
    this.#keys = newKeys();
  }

  row(given: Partial<ProxyProviderRow> = {}): ProxyProviderRow {
    const base = `${this.url}/application/o`;
    return {
      pk: this.providers.length + 1,
      name: 'p',
      internal_host: 'http://127.0.0.1:1',
      external_host: 'https://app.company',
      internal_host_ssl_validation: true,
      client_id: 'abc',
      client_secret: clientSecret,
      oidc_configuration: {
        issuer: `${base}/app/`,
        authorization_endpoint: `${base}/authorize/`,
        token_endpoint: `${base}/token/`,
        userinfo_endpoint: `${base}/userinfo/`,
        end_session_endpoint: `${base}/app/end-session/`,
        introspection_endpoint: `${base}/introspect/`,
        jwks_uri: `${base}/app/jwks/`,
        id_token_signing_alg_values_supported: [this.algorithm],
      },
      cookie_secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
      cookie_domain: '',
      certificate: null,
      skip_path_regex: '',
      basic_auth_enabled: false,
      basic_auth_password_attribute: '',
      basic_auth_user_attribute: '',
      mode: 'proxy',
      access_token_validity: 3_600,
      intercept_header_auth: true,
      scopes_to_request: ['openid', 'profile', 'email', 'entitlements', 'ak_proxy'],
      assigned_application_slug: 'app',
      assigned_application_name: 'App',
      ...given,
    };
  }

  sign(claims: Record<string, unknown>, options: SignOptions = {}): string {
    const alg = options.algorithm ?? this.algorithm;
    const head = encode({
      alg,
      typ: options.type ?? 'JWT',
      ...(alg === 'HS256' ? {} : { kid: options.kid ?? this.#keys.kid }),
    });
    const text = `${head}.${encode(claims)}`;
    return `${text}.${this.#signature(alg, text, options.secret ?? clientSecret).toString('base64url')}`;
  }

  #signature(alg: string, text: string, secret: string): Buffer {
    if (alg === 'HS256') return createHmac('sha256', secret).update(text).digest();
    if (alg === 'RS256') return sign('sha256', Buffer.from(text), this.#keys.rsa.privateKey);
    if (alg === 'ES256')
      return sign('sha256', Buffer.from(text), { key: this.#keys.ec.privateKey, dsaEncoding: 'ieee-p1363' });
    return Buffer.alloc(0);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    let body = '';
    for await (const part of request) body += String(part);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      headers: request.headers,
      form: new URLSearchParams(body),
      body,
    };
    this.requests.push(seen);
    const fault = this.faults.get(url.pathname.split('/').findLast((part) => part !== '') ?? '');
    if (fault !== undefined) return send(response, fault.status, fault.body ?? '');
    const answer = this.#answer(seen, url);
    if (typeof answer === 'string') response.writeHead(302, { Location: answer }).end();
    else send(response, answer.status, JSON.stringify(answer.body));
  }

  #answer(seen: SeenRequest, url: URL): string | { readonly status: number; readonly body: unknown } {
    const ok = (body: unknown) => ({ status: 200, body });
    switch (url.pathname) {
      case '/application/o/authorize/':
        return this.#authorize(url);
      case '/application/o/token/':
        return this.#token(seen.form);
      case '/application/o/introspect/':
        return ok(this.#introspect(seen.form));
      case '/application/o/app/jwks/':
        return ok(this.#keys.jwks);
      case '/api/v3/outposts/instances/':
        return ok(
          pageOf([
            { pk: randomBytes(4).toString('hex'), name: 'o', type: 'proxy', refresh_interval_s: 300, config: {} },
          ]),
        );
      case '/api/v3/outposts/proxy/':
        return ok(pageOf(this.providers));
      case '/api/v3/root/config/':
        return ok({ cache_timeout_flows: 300 });
      case '/api/v3/events/events/':
        return { status: 201, body: {} };
      default:
        return { status: 404, body: {} };
    }
  }

  #authorize({ searchParams }: URL): string {
    const redirectUri = searchParams.get('redirect_uri') ?? '';
    const state = searchParams.get('state') ?? '';
    // The core appends its error with a question mark, whatever is there already (proxy.md §6.5).
    if (this.denied !== undefined)
      return `${redirectUri}?error=${this.denied}&error_description=no&state=${encodeURIComponent(state)}`;
    const code = randomBytes(16).toString('hex');
    this.#codes.set(code, {
      clientId: searchParams.get('client_id') ?? '',
      redirectUri,
      challenge: searchParams.get('code_challenge') ?? '',
      nonce: searchParams.get('nonce') ?? '',
    });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', state);
    return back.href;
  }

  #token(form: URLSearchParams): { status: number; body: unknown } {
    const clientId = form.get('client_id') ?? '';
    if (form.get('grant_type') === 'client_credentials') {
      const known = this.appPasswords.get(form.get('username') ?? '');
      if (known === undefined || known !== form.get('password')) return refusal('invalid_grant');
      return {
        status: 200,
        body: { id_token: this.sign(this.#claims(clientId)), access_token: 'x', token_type: 'Bearer' },
      };
    }
    if (form.get('grant_type') === 'refresh_token') {
      const isGood = this.#refreshTokens.delete(form.get('refresh_token') ?? '');
      if (!isGood && this.dropsFamilies) {
        this.#refreshTokens.clear();
        this.active.clear();
      }
      return isGood && form.get('client_secret') === clientSecret
        ? this.#granted(clientId, {})
        : refusal('invalid_grant');
    }
    const code = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const fits =
      code !== undefined &&
      code.clientId === clientId &&
      code.redirectUri === form.get('redirect_uri') &&
      code.challenge === challenge &&
      form.get('client_secret') === clientSecret;
    if (!fits) return refusal('invalid_grant');
    return this.#granted(clientId, { nonce: code.nonce });
  }

  #granted(clientId: string, more: Record<string, unknown>) {
    const claims = { ...this.#claims(clientId), ...more, ...this.tokenClaims };
    const token = this.sign(claims);
    if (this.remembers) this.active.set(token, claims);
    const refresh_token = this.offline ? randomBytes(16).toString('hex') : undefined;
    if (refresh_token !== undefined) this.#refreshTokens.add(refresh_token);
    return {
      status: 200,
      body: { access_token: token, id_token: token, token_type: 'Bearer', expires_in: this.lifeS, refresh_token },
    };
  }

  #introspect(form: URLSearchParams): unknown {
    const claims = this.active.get(form.get('token') ?? '');
    const isClient = form.get('client_secret') === clientSecret;
    return claims === undefined || !isClient ? { active: false } : { active: true, ...claims };
  }

  #claims(clientId: string): Record<string, unknown> {
    const now = Math.floor(this.now() / 1000);
    return {
      iss: `${this.url}/application/o/app/`,
      aud: clientId,
      azp: clientId,
      iat: now,
      exp: now + this.lifeS,
      sub: 'sub-of-alice',
      sid: createHash('sha256').update('session-of-alice').digest('hex'),
      email: 'alice@company',
      name: 'Alice',
      preferred_username: 'alice',
      groups: ['a', 'b'],
      entitlements: [],
      ak_proxy: { user_attributes: {}, is_superuser: false },
      ...this.user,
    };
  }
}

/** Made once: an RSA pair costs a tenth of a second. */
let first: ReturnType<typeof newKeys> | undefined;
function firstKeys() {
  first ??= newKeys();
  return first;
}

function newKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomBytes(4).toString('hex');
  const jwk = (key: KeyObject, alg: string) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  return { rsa, ec, kid, jwks: { keys: [jwk(rsa.publicKey, 'RS256'), jwk(ec.publicKey, 'ES256')] } };
}

function pageOf(results: readonly unknown[]) {
  const pagination = {
    next: 0,
    previous: 0,
    count: results.length,
    current: 1,
    total_pages: 1,
    start_index: 1,
    end_index: results.length,
  };
  return { pagination, results };
}

function refusal(error: string) {
  return { status: 400, body: { error, error_description: 'no', request_id: 'x' } };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
}
