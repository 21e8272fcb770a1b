// Mixed RADIUS load on a whole site for as long as asked: logins of repeated users, wrong passwords, EAP with a Wi-Fi secret,
// Status-Server and accounting. Counts what was not answered as it should be, and watches the daemon's memory.
import { readFileSync } from 'node:fs';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { runLoad } from '../../bench/radius/load.ts';
import type { Site } from '../../interop/radius/site.ts';

export interface SoakResult {
  readonly logins: number;
  /** Answers that were missing or not the expected ones. */
  readonly lost: number;
  readonly problems: readonly string[];
  /** Resident memory in MiB, at the end of each round. */
  readonly residentMiB: readonly number[];
}

const roundSeconds = 4;

export async function soak(site: Site, seconds: number): Promise<SoakResult> {
  const port = site.radius.bound('radius').port;
  const accountingPort = site.radius.bound('accounting').port;
  const people = [{ username: 'ada', password: testPassword }];
  const problems: string[] = [];
  const residentMiB: number[] = [];
  let logins = 0;
  const expect = async (what: string, asked: Promise<{ readonly code: string }>, code: string) => {
    logins += 1;
    const got = (await asked).code;
    if (got !== code) problems.push(`${what}: ${got}`);
  };
  const endMs = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < endMs; round++) {
    const load = {
      port,
      secret: testRadiusSecret,
      people,
      seconds: roundSeconds,
      sockets: 4,
      inFlight: 2,
      perSecond: 200,
    };
    const ask = (words: string, kind: 'auth' | 'status' | 'acct', to = port) =>
      radclient(to, words, { kind, secret: testRadiusSecret });
    const eap = async () => {
      const given = { identity: 'ada', secret: testRadiusSecret, caPem: site.authority.caPem } as const;
      const { isSuccess, hasKeys } = await eapolTest(port, {
        eap: 'PEAP',
        inner: 'MSCHAPV2',
        password: site.wifiSecret,
        ...given,
      });
      return { code: isSuccess && hasKeys ? 'success' : 'failure' };
    };
    const [pap] = await Promise.all([
      runLoad({ ...load, most: load.perSecond * roundSeconds + load.sockets }),
      expect('wrong password', ask('User-Name=ada,User-Password=wrong,MA', 'auth'), 'Access-Reject'),
      expect('status', ask('MA', 'status'), 'Access-Accept'),
      expect(
        'accounting',
        ask(`Acct-Status-Type=Start,User-Name=ada,Acct-Session-Id=soak-${round}`, 'acct', accountingPort),
        'Accounting-Response',
      ),
      expect('EAP', eap(), 'success'),
    ]);
    logins += pap.answered;
    if (pap.wrong > 0) problems.push(`PAP: ${pap.wrong} of ${pap.answered} missing or wrong`);
    residentMiB.push(resident(site.radius.pid ?? 0));
  }
  return { logins, lost: problems.length, problems, residentMiB };
}

function resident(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024);
}
