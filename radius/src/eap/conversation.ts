// One EAP conversation as an explicit state machine (radius.md §8.6): what is not foreseen in a state fails. It knows EAP
// and TLS, not RADIUS: it says what to send, or whom the core shall be asked about. Called by eap.ts, one step at a time.
import type { SecureContext } from 'node:tls';
import {
  decodeAvps,
  decodeTlsFragment,
  type EapPacket,
  eapCode,
  eapType,
  encodeEap,
  encodeTlsFragment,
} from '@gatehouse/wire/eap';
import { createIncoming, createOutgoing, type Incoming, type Outgoing } from './fragments.ts';
import { type EapMethod, tls13Label } from './methods.ts';
import { TlsEndpoint, type TlsStep } from './tls-endpoint.ts';

/** Whom the core shall be asked about. */
export interface Claim {
  readonly username: string;
  readonly password: string;
  readonly certificatePem?: string;
}

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
}

type State =
  | { readonly kind: 'started' }
  /** Handshake, and the tunnel after it. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'peap_identity' }
  | { readonly kind: 'peap_password'; readonly username: string }
  | { readonly kind: 'asking'; readonly claim: Claim }
  | { readonly kind: 'peap_result' }
  | { readonly kind: 'failing'; readonly reason: string };

const empty = Buffer.alloc(0);
const ack = { start: false, more: false, totalBytes: undefined, data: empty };
/** Result TLV, mandatory, success (MS-PEAP §2.2.8.1.2). */
const resultSuccess = Buffer.from('800300020001', 'hex');

export class Conversation {
  readonly identity: string;
  #method: EapMethod;
  #state: State = { kind: 'started' };
  #tls: TlsEndpoint | undefined;
  #outgoing: Outgoing = createOutgoing(empty);
  #incoming: Incoming = createIncoming();
  #identifier = 0;
  #isSecure = false;
  #keys: Buffer | undefined;
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
    return this.#feed(message, limit);
  }

  /** After the core has passed the claim. */
  async passed(limit: number): Promise<Step> {
    if (this.#method.name !== 'peap') return { kind: 'done' };
    this.#state = { kind: 'peap_result' };
    const packet = {
      code: eapCode.request,
      identifier: (this.#identifier + 1) & 0xff,
      type: eapType.tlv,
      data: resultSuccess,
    };
    return this.#encrypt(encodeEap(packet), limit);
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
    this.#tls ??= new TlsEndpoint(this.#options.context, this.#method);
    const tls = this.#tls;
    const step = await tls.receive(message);
    if (step.error !== undefined) return this.#flushAlert(step, limit);
    if (!this.#isSecure && !step.isSecure) {
      return step.output.length === 0 ? fail('the handshake stands still') : this.#sendMessage(step.output, limit);
    }
    const isFirst = !this.#isSecure;
    this.#isSecure = true;
    if (isFirst) this.#keys = this.#exportKeys(tls);
    if (this.#method.name === 'tls') return this.#afterCertificate(tls, step, isFirst, limit);
    if (step.data.length > 0) return this.#inner(step.data, limit);
    if (step.output.length > 0) return this.#sendMessage(step.output, limit);
    if (this.#method.name === 'peap' && this.#state.kind === 'tls') {
      this.#state = { kind: 'peap_identity' };
      return this.#encrypt(Buffer.of(eapType.identity), limit);
    }
    return isFirst ? this.#send(ack) : fail('nothing in the tunnel');
  }

  /** EAP-TLS: our last flight first, then the core; RFC 9190 §2.5 wants a zero byte as its end in TLS 1.3. */
  async #afterCertificate(tls: TlsEndpoint, step: TlsStep, isFirst: boolean, limit: number): Promise<Step> {
    const certificatePem = tls.peerCertificatePem;
    if (certificatePem === undefined) return fail('no client certificate');
    const commitment = isFirst && tls.isTls13 ? (await tls.send(Buffer.of(0))).output : empty;
    const output = Buffer.concat([step.output, commitment]);
    if (output.length > 0) return this.#sendMessage(output, limit);
    return this.#ask({ username: this.identity, password: '', certificatePem });
  }

  #inner(data: Buffer, limit: number): Step | Promise<Step> {
    const state = this.#state;
    if (this.#method.name === 'ttls') return this.#innerTtls(data);
    if (state.kind === 'peap_identity' && data[0] === eapType.identity) {
      this.#state = { kind: 'peap_password', username: data.subarray(1).toString('utf8') };
      return this.#encrypt(Buffer.concat([Buffer.of(eapType.gtc), Buffer.from('Password')]), limit);
    }
    if (state.kind === 'peap_password' && data[0] === eapType.gtc)
      return this.#ask({ username: state.username, password: data.subarray(1).toString('utf8') });
    if (state.kind === 'peap_result') return isResultSuccess(data) ? { kind: 'done' } : fail('the peer says failure');
    return fail(`inner type ${data[0]} in ${state.kind}`);
  }

  #innerTtls(data: Buffer): Step {
    const avps = decodeAvps(data).filter(({ vendor }) => vendor === 0);
    const value = (code: number) => avps.find((avp) => avp.code === code)?.data;
    const [username, padded] = [value(1), value(2)];
    if (username === undefined || padded === undefined) return fail('inner method is not PAP');
    const password = padded.toString('utf8').replace(/\0+$/, '');
    return this.#ask({ username: username.toString('utf8'), password });
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
    return step === undefined ? fail('no tunnel') : this.#sendMessage(step.output, limit);
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

/** The peer echoes the TLV as a whole EAP packet. */
function isResultSuccess(data: Buffer): boolean {
  return (
    data.length >= 11 &&
    data[0] === eapCode.response &&
    data[4] === eapType.tlv &&
    data.subarray(5, 11).equals(resultSuccess)
  );
}

function fail(reason: string): Step {
  return { kind: 'fail', reason };
}
