// Access-Request (radius.md §5): which credentials, and the answer that the core's verdict gives.
import { firstValue, packetCode } from '@gatehouse/wire/radius';
import type { Challenges } from '../authentication/challenges.ts';
import { readCredentials } from '../authentication/credentials.ts';
import type { AdmittedRequest, Answer, Operation } from '../datagram/request.ts';
import { answerMsChap } from './answer-mschap.ts';
import { type Answering, type Asked, askAccess, reject, takeOutcome } from './ask-access.ts';

export interface AccessOptions extends Answering {
  /** Takes EAP messages. */
  readonly eap: (request: AdmittedRequest, message: Buffer) => Promise<Answer>;
  readonly challenges: Challenges;
  /** Longest time of a login that goes on. */
  readonly flowTimeoutMs: number;
}

const stateType = 24;

export function createAccessRequest(options: AccessOptions): Operation {
  return (request) => {
    const credentials = read(request);
    switch (credentials.kind) {
      case 'malformed':
        return { kind: 'silence', reason: 'malformed' };
      case 'eap':
        return options.eap(request, credentials.message);
      case 'none':
        return reject('no_credentials', credentials.username);
      case 'undecodable':
        options.log.warn('possible shared secret mismatch', {
          ip: request.client,
          provider: request.provider.name,
          hint: 'The password is no text. Compare the shared secret on the device and in the core.',
        });
        return reject('undecodable_credentials');
      case 'unsupported':
        options.log.warn('method cannot work', {
          ip: request.client,
          username: credentials.username,
          method: credentials.method,
          hint: 'It needs the clear password, and the core keeps only hashes. Set the device to PAP, EAP-TTLS/PAP or PEAP/GTC.',
        });
        return reject('unsupported_method', credentials.username);
      case 'mschapv2':
        return answerMsChap(options, request, credentials);
      case 'password': {
        const state = firstValue(request.packet, stateType);
        return state === undefined
          ? answerPassword(options, request, credentials)
          : answerCode(options, request, credentials, state);
      }
    }
  };
}

function read(request: AdmittedRequest) {
  try {
    return readCredentials(request);
  } catch {
    return { kind: 'malformed' } as const; // WireError: a password of impossible length (M12)
  }
}

interface Typed {
  readonly username: string;
  readonly password: string;
}

function answerPassword(
  options: AccessOptions,
  request: AdmittedRequest,
  { username, password }: Typed,
): Answer | Promise<Answer> {
  const canAskForCode = request.settings.challenge && request.provider.mfaSupport;
  const claim = { kind: 'password', username, password } as const;
  const asked = askAccess(options, request, claim, { canAskForCode });
  return asked instanceof Promise
    ? asked.then((later) => answerOf(options, request, username, later))
    : answerOf(options, request, username, asked);
}

/** The code that an Access-Challenge asked for (B18). */
async function answerCode(
  options: AccessOptions,
  request: AdmittedRequest,
  { username, password: code }: Typed,
  state: Buffer,
): Promise<Answer> {
  const { challenges, flowTimeoutMs } = options;
  const { provider, client } = request;
  const parked = challenges.take(state, provider.pk, client);
  if (parked?.username !== username) return reject('challenge_expired', username);
  const asked = await takeOutcome(
    options,
    request,
    username,
    parked.wanted.resume(code, AbortSignal.timeout(flowTimeoutMs)),
  );
  // Nobody has looked at the code: the device's repetition finds everything as it was.
  if (asked.kind === 'not_accepted' && asked.answer.kind === 'silence')
    challenges.giveBack(state, provider.pk, client, parked);
  return answerOf(options, request, username, asked);
}

function answerOf(options: AccessOptions, request: AdmittedRequest, username: string, asked: Asked): Answer {
  switch (asked.kind) {
    case 'not_accepted':
      return { ...asked.answer, username };
    case 'code_wanted': {
      const { wanted } = asked;
      const state = options.challenges.park(request.provider.pk, request.client, username, wanted);
      const attributes = [
        { type: stateType, value: state },
        { type: replyMessage, value: Buffer.from(wanted.prompt, 'utf8') },
        { type: promptType, value: noEcho },
      ];
      return { kind: 'reply', code: packetCode.accessChallenge, attributes, username };
    }
    case 'accepted':
      options.onAccepted(request, asked.access, asked.attributes);
      return { kind: 'reply', code: packetCode.accessAccept, attributes: asked.attributes, username };
  }
}

const replyMessage = 18;
/** Prompt (RFC 2869 §5.10): 0, what is typed is not shown. */
const promptType = 76;
const noEcho = Buffer.alloc(4);
