// One EAP conversation as an explicit state machine (radius.md §8.6): what is not foreseen in a state fails. It knows EAP
// and TLS, not RADIUS: it says what to send, or whom the core shall be asked about. Called by eap.ts, one step at a time.
import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { decodeTlsFragment, type EapPacket, eapCode, eapType, encodeEap, encodeTlsFragment } from '@gatehouse/wire/eap';
import { offeredSession, readClientHello } from '@gatehouse/wire/tls';
import type { CertificateVerdict, Claim } from '../authentication/claim.ts';
import type { MsChapProof } from '../core.ts';
import { createIncoming, createOutgoing, type Incoming, type Outgoing } from './fragments.ts';
import type { Inner, InnerStep } from './inner.ts';
import { createInnerPeap } from './inner-peap.ts';
import { createInnerTtls } from './inner-ttls.ts';
import { type EapMethod, tls13Label } from './methods.ts';
import { type IssuedSession, TlsEndpoint, type TlsStep } from './tls-endpoint.ts';
import type { Proved, TlsSession } from './tls-sessions.ts';

export type Step =
  | { readonly kind: 'send'; readonly request: Buffer }
  | { readonly kind: 'ask'; readonly claim: Claim }
  /** The core has passed the claim and the peer knows: Accept with keys. */
  | { readonly kind: 'done' }
  | { readonly kind: 'fail'; readonly reason: string };

export interface ConversationOptions {
  readonly identity: string;
  readonly methods: readonly EapMethod[];
  readonly context: SecureContext;
  readonly isMsChapOffered: boolean;
  /** @param own the peer's; what it sent along hangs at it */
  readonly judgeCertificate: (own: X509Certificate, identity: string) => CertificateVerdict;
  /** A session of old by the name that the peer gives it; `undefined` where none may be resumed. */
  readonly findSession: ((id: Buffer, method: EapMethod['name']) => TlsSession | undefined) | undefined;
}

type State =
  | { readonly kind: 'started' }
  /** Handshake, and the tunnel after it. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'asking'; readonly claim: Claim }
  | { readonly kind: 'failing'; readonly reason: string }
  /** The peer has been told that all is well, and has to acknowledge it. */
  | { readonly kind: 'ending' };

const empty = Buffer.alloc(0);
const ack = { start: false, more: false, totalBytes: undefined, data: empty };
const ttlsChallengeLabel = 'ttls challenge';

export class Conversation {
  readonly identity: string;
  #method: EapMethod;
  #state: State = { kind: 'started' };
  #tls: TlsEndpoint | undefined;
  #inner: Inner | undefined;
  #outgoing: Outgoing = createOutgoing(empty);
  #incoming: Incoming = createIncoming();
  #identifier = 0;
  #isSecure = false;
  /** The inner method has been started, by us or by the peer. */
  #hasBegun = false;
  #keys: Buffer | undefined;
  /** Of the peer. Kept, since Node decodes the whole chain anew each time it is asked: a tenth of a login. */
  #own: X509Certificate | undefined;
  /** What the peer's first flight names, and after a short handshake what it has resumed. */
  #session: TlsSession | undefined;
  /** What ends the handshake, while the core is asked. */
  #held: Buffer = empty;
  /** On the client certificate, which a handshake shows once. */
  #verdict: CertificateVerdict | undefined;
  readonly #options: ConversationOptions;

  constructor(options: ConversationOptions, first: EapMethod) {
    this.#options = options;
    this.identity = options.identity;
    this.#method = first;
  }

  get method(): EapMethod['name'] {
    return this.#method.name;
  }

  /** Identifier of the last request; another one in a response is a stale duplicate. */
  get identifier(): number {
    return this.#identifier;
  }

  /** 64 bytes for the NAS; only after a finished handshake. */
  get masterSessionKey(): Buffer | undefined {
    return this.#keys?.subarray(0, 64);
  }

  /** 64 bytes that stay here, for keys that are derived from them (RFC 5216 §2.3, RFC 9190 §2.3, RFC 5295). */
  get extendedMasterSessionKey(): Buffer | undefined {
    return this.#keys?.subarray(64);
  }

  /** The session that was resumed; `undefined` for a full handshake. */
  get resumed(): TlsSession | undefined {
    return this.#isSecure ? this.#session : undefined;
  }

  get issued(): readonly IssuedSession[] {
    return this.#tls?.issued ?? [];
  }

  /** Who the peer has proved to be, for conversations that resume a session of this one. */
  proved(username: string, ticket: string): Proved | undefined {
    if (this.resumed !== undefined) return this.resumed.proved;
    if (this.#method.name !== 'tls') return { kind: 'inner', username, ticket };
    return this.#own && { kind: 'certificate', own: this.#own };
  }

  /** @param identifier of the response that began it */
  begin(identifier: number): Step {
    this.#identifier = identifier;
    return this.#send({ ...ack, start: true });
  }

  /** @param limit bytes of TLS data that fit into a request */
  async step(response: EapPacket, limit: number): Promise<Step> {
    const state = this.#state;
    if (state.kind === 'asking') return { kind: 'ask', claim: state.claim }; // the core was away: the NAS asks again
    if (response.type === eapType.nak && state.kind === 'started') return this.#switch(response.data);
    if (response.type !== this.#method.type) return fail(`unexpected type ${response.type}`);
    const fragment = decodeTlsFragment(response.data);
    if (state.kind === 'started') this.#state = { kind: 'tls' };
    const message = this.#incoming.add(fragment);
    if (message === 'too_large') return fail('TLS message too large');
    if (message === 'more') return this.#send(ack);
    const pending = message.length === 0 ? this.#outgoing.next(limit) : undefined;
    if (pending !== undefined) return this.#send(pending);
    if (state.kind === 'failing') return fail(state.reason);
    if (state.kind === 'ending') return message.length === 0 ? { kind: 'done' } : fail('more after the end');
    return this.#feed(message, limit);
  }

  /** The core has passed the claim. */
  async passed(proof: MsChapProof | undefined, limit: number): Promise<Step> {
    if (this.resumed !== undefined && this.#method.name !== 'tls') return this.#sayResumed(limit);
    if (this.#inner === undefined) return { kind: 'done' };
    this.#state = { kind: 'tls' };
    return this.#say(this.#inner.passed(proof), limit);
  }

  /** RFC 9427 §3.3, §4: PEAP says its result; TTLS ends as EAP-TLS does, with a zero byte in TLS 1.3 and nothing before. */
  async #sayResumed(limit: number): Promise<Step> {
    this.#state = { kind: 'tls' };
    if (this.#method.name === 'peap') {
      this.#inner = createInnerPeap(this.#options);
      return this.#say(this.#inner.passed(undefined), limit);
    }
    if (this.#tls?.isTls13 !== true) return { kind: 'done' };
    this.#state = { kind: 'ending' };
    return this.#encrypt(Buffer.of(0), limit);
  }

  /** The core has refused it: the peer is told in its own method where that can be said, and the conversation ends. */
  async refused(limit: number): Promise<Step> {
    this.#state = { kind: 'tls' };
    return this.#inner === undefined ? fail('refused') : this.#say(this.#inner.refused(), limit);
  }

  destroy(): void {
    this.#tls?.destroy();
    this.#keys?.fill(0);
  }

  #switch(wanted: Buffer): Step {
    const method = this.#options.methods.find(({ type }) => wanted.includes(type));
    if (method === undefined) return fail('no common method');
    this.#method = method;
    return this.#send({ ...ack, start: true });
  }

  async #feed(message: Buffer, limit: number): Promise<Step> {
    this.#tls ??= this.#openTls(message);
    const tls = this.#tls;
    const step = await tls.receive(message);
    if (step.error !== undefined) return this.#flushAlert(step, limit);
    if (!this.#isSecure && !step.isSecure) {
      return step.output.length === 0 ? fail('the handshake stands still') : this.#sendMessage(step.output, limit);
    }
    const isFirst = !this.#isSecure;
    this.#isSecure = true;
    if (isFirst) {
      this.#keys = this.#exportKeys(tls);
      if (!tls.isResumed)
        this.#session = undefined; // named, but not taken
      else if (this.#session === undefined) return fail('a session of nobody');
    }
    if (isFirst && this.#session?.proved.kind === 'inner') return this.#askResumed(step, this.#session.proved);
    if (this.#method.name === 'tls') return this.#afterCertificate(tls, step, isFirst, limit);
    const inner = this.#innerOf(tls);
    if (step.data.length > 0) {
      this.#hasBegun = true;
      return this.#say(inner.receive(step.data), limit);
    }
    if (step.output.length > 0) return this.#sendMessage(step.output, limit);
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      const first = inner.start();
      return first === undefined ? this.#send(ack) : this.#encrypt(first, limit);
    }
    return message.length === 0 ? this.#say(inner.receive(empty), limit) : fail('nothing in the tunnel');
  }

  #openTls(flight: Buffer): TlsEndpoint {
    const { context, findSession } = this.#options;
    const { name, requestCertificate } = this.#method;
    const reading = findSession && readClientHello(flight);
    const offered = reading?.kind === 'hello' ? offeredSession(reading.hello) : undefined;
    this.#session = offered && findSession?.(offered, name);
    return new TlsEndpoint(context, {
      requestCertificate,
      isResumable: findSession !== undefined,
      session: this.#session?.session,
    });
  }

  /** Nothing is said inside a resumed tunnel: whether who was let in then is let in still, the core has to say. */
  #askResumed({ output }: TlsStep, { username, ticket }: Extract<Proved, { kind: 'inner' }>): Step {
    this.#held = output;
    return this.#ask({ kind: 'resumed', username, ticket });
  }

  #innerOf(tls: TlsEndpoint): Inner {
    this.#inner ??=
      this.#method.name === 'peap'
        ? createInnerPeap(this.#options)
        : createInnerTtls(() => tls.exportKey(17, ttlsChallengeLabel));
    return this.#inner;
  }

  /** EAP-TLS: our last flight first, then the core; RFC 9190 §2.5 wants a zero byte as its end in TLS 1.3. */
  async #afterCertificate(tls: TlsEndpoint, step: TlsStep, isFirst: boolean, limit: number): Promise<Step> {
    this.#verdict ??= this.#judge(tls);
    const verdict = this.#verdict;
    if (verdict.kind === 'refused') return fail(verdict.reason);
    const commitment = isFirst && tls.isTls13 ? (await tls.send(Buffer.of(0))).output : empty;
    const output = Buffer.concat([step.output, commitment]);
    if (output.length > 0) return this.#sendMessage(output, limit);
    return this.#ask(verdict.claim);
  }

  #judge(tls: TlsEndpoint): CertificateVerdict {
    const proved = this.#session?.proved;
    // A resumed session has the certificate, but not what the peer had sent along with it.
    const own = proved?.kind === 'certificate' ? proved.own : tls.peerCertificate;
    this.#own = own;
    if (own === undefined) return { kind: 'refused', reason: 'no client certificate' };
    return this.#options.judgeCertificate(own, this.identity);
  }

  #say(step: InnerStep, limit: number): Step | Promise<Step> {
    switch (step.kind) {
      case 'say_and_fail':
        return this.#encrypt(step.plain, limit).then((sent) => {
          this.#state = { kind: 'failing', reason: step.reason };
          return sent;
        });
      case 'say':
        return this.#encrypt(step.plain, limit);
      case 'ask':
        return this.#ask(step.claim);
      case 'done':
      case 'fail':
        return step;
    }
  }

  #ask(claim: Claim): Step {
    this.#state = { kind: 'asking', claim };
    return { kind: 'ask', claim };
  }

  #flushAlert({ output, error = '' }: TlsStep, limit: number): Step {
    if (output.length === 0) return fail(error);
    this.#state = { kind: 'failing', reason: error };
    return this.#sendMessage(output, limit);
  }

  async #encrypt(plain: Buffer, limit: number): Promise<Step> {
    const step = await this.#tls?.send(plain);
    if (step === undefined) return fail('no tunnel');
    const output = Buffer.concat([this.#held, step.output]);
    this.#held = empty;
    return this.#sendMessage(output, limit);
  }

  #sendMessage(message: Buffer, limit: number): Step {
    this.#outgoing = createOutgoing(message);
    const first = this.#outgoing.next(limit);
    return first === undefined ? fail('nothing to send') : this.#send(first);
  }

  #send(fragment: Parameters<typeof encodeTlsFragment>[0]): Step {
    this.#identifier = (this.#identifier + 1) & 0xff;
    const { type } = this.#method;
    const packet = { code: eapCode.request, identifier: this.#identifier, type, data: encodeTlsFragment(fragment) };
    return { kind: 'send', request: encodeEap(packet) };
  }

  #exportKeys(tls: TlsEndpoint): Buffer {
    return tls.isTls13
      ? tls.exportKey(128, tls13Label, Buffer.of(this.#method.type))
      : tls.exportKey(128, this.#method.label);
  }
}

function fail(reason: string): Step {
  return { kind: 'fail', reason };
}
