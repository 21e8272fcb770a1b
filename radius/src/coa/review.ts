// Looks again at what sessions on devices were granted when users, groups, rights or the policy file have changed (radius.md
// B10): the core is asked anew, by the session of the login. Who would be let in no longer is disconnected; whose attributes
// would be others gets them by a CoA-Request, or is disconnected where the device cannot change what it has.
import { createSemaphore, within } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { Attribute } from '@gatehouse/wire/radius';
import { attributeIdentity } from '../attributes/attribute-identity.ts';
import { holdsHidden } from '../attributes/rehide.ts';
import type { Access, AccessOutcome } from '../core.ts';
import { type Asking, attachAttributes, remoteIpOf } from '../operations/ask-access.ts';
import { type Devices, sessionContextNotFound } from './devices.ts';
import type { Granted, NasLogin, NasLogins } from './logins.ts';

export interface ReviewOptions {
  readonly logins: NasLogins;
  readonly devices: Devices;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Of the core, for one question. */
  readonly timeoutMs: number;
  /** Reads and adds attributes as for a login. */
  readonly asking: Asking;
}

/** Questions to the core at a time: a change of rights concerns everybody, and logins go first. */
const atOnce = 4;

/** @returns what to call after a change, with the users that it names or for all; it waits for nothing */
export function createReview(options: ReviewOptions): (users?: ReadonlySet<number>) => void {
  const { logins, log, signal } = options;
  const turns = createSemaphore(atOnce);
  const waiting = new Set<NasLogin>();
  const look = async (login: NasLogin) => {
    waiting.delete(login); // a change from here on is looked at once more
    if (login.granted !== undefined && logins.has(login)) await review(options, login, login.granted);
  };
  return (users) => {
    for (const login of logins.granted(users)) {
      if (waiting.has(login)) continue;
      waiting.add(login);
      turns
        .run(() => look(login), signal)
        .catch((error: unknown) => {
          waiting.delete(login);
          if (!signal.aborted)
            log.warn('session not looked at again', { username: login.username, error: String(error) });
        });
    }
  };
}

async function review(options: ReviewOptions, login: NasLogin, granted: Granted): Promise<void> {
  const { logins, devices, log } = options;
  const outcome = await askAgain(options, granted);
  if (outcome === undefined || !logins.has(login)) return;
  if (outcome.kind === 'refused') {
    log.info('access has ended', { username: login.username, client: login.client });
    logins.forget(login);
    await devices.disconnect(login);
    return;
  }
  if (outcome.kind !== 'accepted') return; // nobody has said that access has ended
  const asked = attachAttributes(options.asking, granted.request, outcome);
  if (asked.kind !== 'accepted') return; // it is in the log; a login would not be let in, but nobody has taken access away
  const wanted = asked.attributes.filter((one) => !holdsHidden(one));
  if (!isSame(wanted, granted.attributes)) await change(options, login, granted, wanted);
}

/** @returns `undefined` where the core cannot be asked about this login any more */
async function askAgain(
  { signal, timeoutMs }: ReviewOptions,
  { access, request }: Granted,
): Promise<AccessOutcome | undefined> {
  const asked: Access['askAgain'] = access.askAgain;
  return asked?.({ provider: request.provider, remoteIp: remoteIpOf(request) }, within(timeoutMs, signal));
}

async function change(
  { logins, devices, log }: ReviewOptions,
  login: NasLogin,
  granted: Granted,
  wanted: readonly Attribute[],
): Promise<void> {
  const canDisconnect = granted.request.settings.coaOnChange === 'change_or_disconnect';
  // RFC 5176 §3.2: attributes are set anew, and nothing says that one shall be gone.
  const kept = new Set(wanted.map(attributeIdentity));
  const isLess = granted.attributes.some((one) => !kept.has(attributeIdentity(one)));
  if (!(isLess && canDisconnect) && wanted.length > 0) {
    const { result, errorCause } = await devices.change(login, wanted);
    if (result === 'ack') {
      granted.attributes = wanted;
      return;
    }
    if (errorCause === sessionContextNotFound) return logins.forget(login);
  }
  if (!canDisconnect) {
    log.warn('session not changed', {
      username: login.username,
      client: login.client,
      hint: 'The device goes on as before; coa_on_change: change_or_disconnect ends such sessions.',
    });
    return;
  }
  if (!logins.has(login)) return;
  logins.forget(login);
  await devices.disconnect(login);
}

function isSame(one: readonly Attribute[], other: readonly Attribute[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ type, value }, at) => other[at]?.type === type && value.equals(other[at].value))
  );
}
