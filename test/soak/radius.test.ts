// The short form of test/soak/radius.ts.
import { expect, test } from 'vitest';
import { skipWithout } from '../harness/index.ts';
import { startSite } from '../interop/radius/site.ts';
import { soak } from './radius/mixed-load.ts';

const isMissing = ['radclient', 'eapol_test'].map(skipWithout).includes(true);

test.skipIf(isMissing)(
  'RADIUS under mixed load for ten seconds: no verdict is lost',
  async () => {
    await using site = await startSite('clients: []', { AUTHENTIK_RADIUS__VERDICT_CACHE: '5s' });
    const { logins, problems, wrongVerdicts, unanswered } = await soak(site, 10);
    expect({ problems, wrongVerdicts, unanswered }).toEqual({ problems: [], wrongVerdicts: 0, unanswered: 0 });
    expect(logins).toBeGreaterThan(100);
  },
  120_000,
);
