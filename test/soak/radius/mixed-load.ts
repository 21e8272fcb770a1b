// Mixed RADIUS load on a whole site for as long as asked: logins of repeated users, wrong passwords, EAP with a Wi-Fi secret,
// Status-Server and accounting. Whatever was not answered as it should be is told apart: answers that were wrong, and silence,
// beside what the outpost and the kernel say that they dropped. Watches the daemon's memory.
import { readFileSync } from 'node:fs';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { type LoadResult, runLoad } from '../../bench/radius/load.ts';
import type { Site } from '../../interop/radius/site.ts';
import { type Counters, countersOf, difference } from './counters.ts';

export interface SoakResult {
  readonly logins: number;
  /** A verdict that nobody can have meant: a Reject of the right password, an Accept of a wrong one, a forged answer. */
  readonly wrongVerdicts: number;
  /** Requests without an answer. */
  readonly unanswered: number;
  /** Of these, as many as neither the kernel nor the outpost owns up to. */
  readonly lost: number;
  /** What the outpost says about it, over the whole run. */
  readonly outpost: Counters;
  /** One line for each round that was not as it should be. */
  readonly problems: readonly string[];
  /** Resident memory in MiB, at the end of each round. */
  readonly residentMiB: readonly number[];
}

const roundSeconds = 4;
const perSecond = 200;

export async function soak(site: Site, seconds: number): Promise<SoakResult> {
  const problems: string[] = [];
  const residentMiB: number[] = [];
  let [logins, wrongVerdicts, unanswered] = [0, 0, 0];
  const begun = await countersOf(site);
  const endMs = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < endMs; round++) {
    const before = await countersOf(site);
    const [pap, ...single] = await Promise.all([papLogins(site), ...singles(site, round)]);
    logins += pap.answered + pap.unanswered + single.length;
    const silent = single.filter(({ got }) => got === 'none');
    const wrong = single.filter(({ got, wanted }) => got !== 'none' && got !== wanted);
    unanswered += pap.unanswered + silent.length;
    wrongVerdicts += pap.notAccepted + pap.forged + wrong.length;
    if (pap.wrong + silent.length + wrong.length > 0) {
      const told = difference(await countersOf(site), before);
      problems.push(JSON.stringify({ round, pap: shortOf(pap), single: [...silent, ...wrong], ...told }));
    }
    residentMiB.push(resident(site.radius.pid ?? 0));
  }
  const outpost = difference(await countersOf(site), begun);
  const owned = outpost.kernelDrops + Object.values(outpost.dropped).reduce((sum, count) => sum + count, 0);
  const lost = Math.max(0, unanswered - owned);
  return { logins, wrongVerdicts, unanswered, lost, outpost, problems, residentMiB };
}

/** By timers: a load that spins on its event loop takes the processor from the servers that it waits for. */
function papLogins(site: Site): Promise<LoadResult> {
  return runLoad({
    port: site.radius.bound('radius').port,
    secret: testRadiusSecret,
    people: [{ username: 'ada', password: testPassword }],
    seconds: roundSeconds,
    sockets: 4,
    inFlight: 2,
    perSecond,
    tickMs: 10,
    patienceMs: 15_000, // longer than any login of a busy core; identifiers go round after five seconds
    most: perSecond * roundSeconds + 4,
  });
}

interface Single {
  readonly what: string;
  readonly wanted: string;
  /** `none` without an answer. */
  readonly got: string;
}

function singles(site: Site, round: number): Promise<Single>[] {
  const port = site.radius.bound('radius').port;
  const accountingPort = site.radius.bound('accounting').port;
  const ask = async (what: string, wanted: string, words: string, kind: 'auth' | 'status' | 'acct', to = port) => {
    const { code } = await radclient(to, words, { kind, secret: testRadiusSecret, timeoutS: 15 });
    return { what, wanted, got: code };
  };
  const record = `Acct-Status-Type=Start,User-Name=ada,Acct-Session-Id=soak-${round}`;
  return [
    ask('wrong password', 'Access-Reject', 'User-Name=ada,User-Password=wrong,MA', 'auth'),
    ask('status', 'Access-Accept', 'MA', 'status'),
    ask('accounting', 'Accounting-Response', record, 'acct', accountingPort),
    eap(site, port),
  ];
}

async function eap(site: Site, port: number): Promise<Single> {
  const given = { identity: 'ada', secret: testRadiusSecret, caPem: site.authority.caPem } as const;
  const asked = { eap: 'PEAP', inner: 'MSCHAPV2', password: site.wifiSecret } as const;
  const { isSuccess, hasKeys, output } = await eapolTest(port, { ...asked, ...given });
  const isTimeout = /EAPOL test timed out/.test(output);
  return { what: 'EAP', wanted: 'success', got: isSuccess && hasKeys ? 'success' : isTimeout ? 'none' : 'failure' };
}

function shortOf({ answered, notAccepted, forged, unanswered, p99Ms }: LoadResult) {
  return { answered, notAccepted, forged, unanswered, p99Ms };
}

function resident(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024);
}
