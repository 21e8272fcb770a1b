// Token and introspection calls (proxy.md §7.2, §11): what is sent, and what of the answer may be believed.
import { isGatewayError } from '@gatehouse/daemon/errors';
import { z } from 'zod';
import type { Application } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import type { BackChannel } from './back-channel.ts';
import { type Claims, parseClaims } from './claims.ts';
import type { TokenVerifier } from './verify.ts';

export interface CodeExchange {
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly nonce: string;
}

/** What a token endpoint has given. */
export interface Granted {
  readonly claims: Claims;
  /** Present when `offline_access` was granted. */
  readonly refreshToken: string | undefined;
}

export interface Tokens {
  /** @throws GatewayError `ERR_PROXY_TOKEN_REFUSED`, `ERR_PROXY_TOKEN_INVALID`, `ERR_PROXY_BACK_CHANNEL` */
  exchangeCode(application: Application, exchange: CodeExchange): Promise<Granted>;
  /** @returns `undefined` when the core refuses the refresh token. @throws like above, without TOKEN_REFUSED */
  refresh(application: Application, refreshToken: string): Promise<Granted | undefined>;
  /** Tells the core that a token is of no more use. @throws GatewayError `ERR_PROXY_BACK_CHANNEL` */
  revoke(application: Application, token: string): Promise<void>;
  /**
   * Whether a token that says to be of this provider is not, by signature, audience or age: then nobody need be asked. Tokens
   * of other issuers are the core's to judge (§7.6, federation).
   * @throws GatewayError `ERR_PROXY_BACK_CHANNEL` when keys cannot be fetched
   */
  isForged(application: Application, token: string): Promise<boolean>;
  /** @returns `undefined` when the token is not active. @throws like above, without TOKEN_REFUSED */
  introspect(application: Application, token: string): Promise<Claims | undefined>;
  /** Whether the core still knows the token; `undefined` when its answer is no answer to that. */
  isActive(application: Application, token: string): Promise<boolean | undefined>;
  /** App password of a user (§11.3). @returns `undefined` when the core refuses */
  withPassword(application: Application, user: string, password: string): Promise<Claims | undefined>;
}

const tokenAnswer = z.looseObject({ access_token: z.string(), refresh_token: z.string().min(1).optional() });
const idTokenAnswer = z.looseObject({ id_token: z.string() });
const errorAnswer = z.looseObject({ error: z.string(), error_description: z.string().default('') });
const introspectionAnswer = z.looseObject({ active: z.literal(true) });

export function createTokens(backChannel: BackChannel, verifier: TokenVerifier): Tokens {
  const post = (application: Application, url: string, form: Readonly<Record<string, string>>) =>
    backChannel.post(url, form, application.endpoints.backChannelHeaders);
  const introspection = (application: Application, token: string) =>
    post(application, application.endpoints.introspection, {
      client_id: application.clientId,
      client_secret: application.clientSecret.reveal(),
      token,
    });
  return {
    async exchangeCode(application, { code, redirectUri, verifier: code_verifier, nonce }) {
      const { status, body } = await post(application, application.endpoints.token, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        client_id: application.clientId,
        client_secret: application.clientSecret.reveal(),
        code_verifier,
      });
      const answer = tokenAnswer.safeParse(body).data;
      if (status !== 200 || answer === undefined) throw refused(status, body);
      const payload = await verifier.verify(answer.access_token, application.tokenRules);
      if (payload['nonce'] !== undefined && payload['nonce'] !== nonce) {
        throw proxyError('ERR_PROXY_TOKEN_INVALID', 'The token is refused: its nonce belongs to another login.');
      }
      return { claims: parseClaims(payload, answer.access_token), refreshToken: answer.refresh_token };
    },
    async refresh(application, refresh_token) {
      const { status, body } = await post(application, application.endpoints.token, {
        grant_type: 'refresh_token',
        refresh_token,
        client_id: application.clientId,
        client_secret: application.clientSecret.reveal(),
      });
      const answer = tokenAnswer.safeParse(body).data;
      if (status !== 200 || answer === undefined) {
        const error = refused(status, body);
        if (error.code === 'ERR_PROXY_TOKEN_REFUSED') return undefined;
        throw error;
      }
      const payload = await verifier.verify(answer.access_token, application.tokenRules);
      return { claims: parseClaims(payload, answer.access_token), refreshToken: answer.refresh_token };
    },
    async revoke(application, token) {
      await post(application, application.endpoints.revocation, {
        client_id: application.clientId,
        client_secret: application.clientSecret.reveal(),
        token,
      });
    },
    async isForged(application, token) {
      if (!application.endpoints.issuers.includes(String(issuerOf(token)))) return false;
      return verifier.verify(token, application.tokenRules).then(
        () => false,
        (error: unknown) => {
          if (isGatewayError(error) && error.code === 'ERR_PROXY_TOKEN_INVALID') return true;
          throw error;
        },
      );
    },
    async isActive(application, token) {
      const { status, body } = await introspection(application, token);
      return status === 200 ? z.looseObject({ active: z.boolean() }).safeParse(body).data?.active : undefined;
    },
    async introspect(application, token) {
      const { status, body } = await introspection(application, token);
      const answer = introspectionAnswer.safeParse(body).data;
      return status === 200 && answer !== undefined ? parseClaims(answer, token) : undefined;
    },
    async withPassword(application, username, password) {
      const { status, body } = await post(application, application.endpoints.token, {
        grant_type: 'client_credentials',
        client_id: application.clientId,
        username,
        password,
        scope: application.scopes.join(' '),
      });
      const answer = idTokenAnswer.safeParse(body).data;
      if (status !== 200 || answer === undefined) return undefined;
      return parseClaims(await verifier.verify(answer.id_token, application.tokenRules), answer.id_token);
    },
  };
}

function refused(status: number, body: unknown) {
  const error = errorAnswer.safeParse(body).data;
  const reason = error === undefined ? `status ${status}` : `${error.error} ${error.error_description}`.trim();
  const code = status >= 500 || error === undefined ? 'ERR_PROXY_BACK_CHANNEL' : 'ERR_PROXY_TOKEN_REFUSED';
  return proxyError(code, `The core did not give a token: ${reason}.`);
}

/** What the token says of itself, unverified. */
function issuerOf(token: string): unknown {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof payload === 'object' && payload !== null && 'iss' in payload ? payload.iss : undefined;
  } catch {
    return undefined; // no JWT
  }
}
