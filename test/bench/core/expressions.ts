// What the interpreter costs where its answers are asked for most: userinfo of a client with the shipped scope mappings against a
// client with `openid` alone, in turns: two expressions more (email, profile). The difference of processor time is the most that
// native twins of the shipped expressions could save; it includes what the expressions themselves ask the database.
import { rounded, type Subject, startSubject } from './subject.ts';
import { type Contender, measure, type Sample, summary } from './tokens.ts';

const roundMs = 2_500;
const warmMs = 2_000;
const rounds = 4;
const expressions = 2;

export async function measureExpressions() {
  await using core = await startSubject();
  const contenders = { shipped: await client(core, 'shipped'), openid: await client(core, 'openid') };
  const found: Record<keyof typeof contenders, Sample[]> = { shipped: [], openid: [] };
  for (const one of Object.values(contenders)) await measure(one, warmMs);
  for (let round = 0; round < rounds; round += 1)
    for (const name of ['openid', 'shipped'] as const) found[name].push(await measure(contenders[name], roundMs));
  const [shipped, openid] = [summary(found.shipped), summary(found.openid)];
  return {
    with_shipped_mappings: { userinfo_per_s: shipped.tokens_per_s, processor_us: shipped.processor_us },
    with_openid_alone: { userinfo_per_s: openid.tokens_per_s, processor_us: openid.processor_us },
    processor_us_an_expression: rounded((shipped.processor_us - openid.processor_us) / expressions),
  };
}

async function client(core: Subject, name: 'shipped' | 'openid'): Promise<Contender> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const path = '/propertymappings/provider/scope/?page_size=100';
  const { results } = await core.call<{ results: { pk: string; scope_name: string }[] }>('GET', path);
  const scopes = name === 'shipped' ? ['openid', 'email', 'profile'] : ['openid'];
  const wanted = results.filter(({ scope_name }) => scopes.includes(scope_name));
  const provider = await core.call<{ pk: number; client_id: string; client_secret: string }>(
    'POST',
    '/providers/oauth2/',
    {
      name: `bench ${name}`,
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
      property_mappings: wanted.map(({ pk }) => pk),
    },
  );
  await core.call('POST', '/core/applications/', { name, slug: `bench-${name}`, provider: provider.pk });
  const { client_id, client_secret } = provider;
  const scope = 'openid email profile';
  const answer = await fetch(`${core.url}application/o/token/`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope }),
  });
  const { access_token } = (await answer.json()) as { access_token: string }; // RFC 6749 §5.1
  return {
    pid: core.daemon.pid ?? 0,
    origin: core.url.slice(0, -1),
    path: '/application/o/userinfo/',
    headers: { authorization: `Bearer ${access_token}` },
  };
}
