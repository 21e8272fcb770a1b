// Verification of tokens (proxy.md §7.3): the key is chosen by what the provider advertises, never by the token alone, so
// that a public key is no HMAC secret (case 42). The one file that imports jose.
import type { Clock } from '@gatehouse/daemon/async';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { proxyError } from '../errors.ts';
import type { BackChannel } from './back-channel.ts';

export interface TokenRules {
  readonly algorithms: readonly string[];
  readonly issuers: readonly string[];
  readonly clientId: string;
  readonly clientSecret: { reveal(): string };
  readonly jwksUri: string;
}

export interface TokenVerifier {
  /** @throws GatewayError `ERR_PROXY_TOKEN_INVALID`; `ERR_PROXY_BACK_CHANNEL` when keys cannot be fetched */
  verify(token: string, rules: TokenRules, kind?: TokenKind): Promise<JWTPayload>;
}

export interface TokenKind {
  /** `typ` that the header must have. */
  readonly type?: string;
  readonly requiredClaims: readonly string[];
}

const accessToken: TokenKind = { requiredClaims: ['exp', 'sub'] };

const asymmetric = new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);
const maxTokenLength = 64 * 1024;
const skewS = 60;
/** A key set is not fetched again before this has passed. */
const refetchMs = 10_000;

interface KnownKeys {
  readonly keys: JSONWebKeySet;
  readonly fetchedAtMs: number;
}

export function createTokenVerifier(backChannel: BackChannel, clock: Pick<Clock, 'now'>): TokenVerifier {
  const known = new Map<string, KnownKeys>();
  const keysFor = async (uri: string, kid: string | undefined): Promise<JSONWebKeySet> => {
    const now = clock.now();
    const have = known.get(uri);
    const fits = have?.keys.keys.some((key) => kid === undefined || key.kid === kid) === true;
    if (have !== undefined && (fits || now - have.fetchedAtMs < refetchMs)) return have.keys;
    const keys = await fetchKeys(backChannel, uri);
    known.set(uri, { keys, fetchedAtMs: now });
    return keys;
  };
  return {
    async verify(token, rules, kind = accessToken) {
      const { alg, kid } = headerOf(token);
      if (!rules.algorithms.includes(alg))
        throw invalid(`it is signed with ${alg}, the provider announces ${rules.algorithms.join(', ')}`);
      const checks = {
        algorithms: [alg],
        issuer: [...rules.issuers],
        audience: rules.clientId,
        clockTolerance: skewS,
        currentDate: new Date(clock.now()),
        requiredClaims: [...kind.requiredClaims],
        ...(kind.type === undefined ? {} : { typ: kind.type }),
      };
      const payload = asymmetric.has(alg)
        ? await verifyWith(token, createLocalJWKSet(await keysFor(rules.jwksUri, kid)), checks)
        : await verifyHmac(token, alg, rules, checks);
      if (payload['azp'] !== undefined && payload['azp'] !== rules.clientId) throw invalid('azp is another client');
      return payload;
    },
  };
}

type Checks = Parameters<typeof jwtVerify>[2];
type Keys = ReturnType<typeof createLocalJWKSet>;

function verifyHmac(token: string, alg: string, { clientSecret }: TokenRules, checks: Checks): Promise<JWTPayload> {
  if (alg !== 'HS256') throw invalid(`${alg} is not supported`);
  const secret = Buffer.from(clientSecret.reveal(), 'utf8');
  if (secret.length === 0) throw invalid('the provider has no client secret');
  return jwtVerify(token, secret, checks).then(({ payload }) => payload, rethrow);
}

function verifyWith(token: string, keys: Keys, checks: Checks): Promise<JWTPayload> {
  return jwtVerify(token, keys, checks).then(({ payload }) => payload, rethrow);
}

function rethrow(cause: unknown): never {
  throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
}

function headerOf(token: string): { alg: string; kid: string | undefined } {
  if (token.length > maxTokenLength) throw invalid('it is longer than 64 KiB');
  try {
    const header = decodeProtectedHeader(token);
    if (header.crit !== undefined) throw invalid('it has a crit header');
    return { alg: header.alg ?? '', kid: header.kid };
  } catch (cause) {
    throw invalid('it is no JWT', cause);
  }
}

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).default([]) });

async function fetchKeys(backChannel: BackChannel, uri: string): Promise<JSONWebKeySet> {
  const { status, body } = await backChannel.get(uri, {});
  const parsed = jwksSchema.safeParse(body);
  if (status === 200 && parsed.success) return parsed.data;
  throw proxyError('ERR_PROXY_BACK_CHANNEL', `${uri} is no key set (status ${status}).`);
}

function invalid(reason: string, cause?: unknown) {
  return proxyError('ERR_PROXY_TOKEN_INVALID', `The token is refused: ${reason}.`, cause);
}
