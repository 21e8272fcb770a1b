// What expressions cost where their answers are asked for most: userinfo of a client with the shipped scope mappings against two
// others, in turns: one whose mappings say the same after a statement that does nothing, so that the interpreter runs them instead of
// their native twins; and one with `openid` alone. What `email` and `profile` ask the database is in both differences.
import { rounded, type Subject, startSubject } from './subject.ts';
import { type Contender, measure, type Sample, summary } from './tokens.ts';

const roundMs = 2_500;
const warmMs = 2_000;
const rounds = 4;
const expressions = 2;

export async function measureExpressions() {
  await using core = await startSubject();
  const contenders = {
    shipped: await client(core, 'shipped'),
    interpreted: await client(core, 'interpreted'),
    openid: await client(core, 'openid'),
  };
  const found: Record<Name, Sample[]> = { shipped: [], interpreted: [], openid: [] };
  for (const one of Object.values(contenders)) await measure(one, warmMs);
  for (let round = 0; round < rounds; round += 1)
    for (const name of ['openid', 'interpreted', 'shipped'] as const)
      found[name].push(await measure(contenders[name], roundMs));
  const openid = summary(found.openid);
  const told = (name: Name) => {
    const { tokens_per_s: userinfo_per_s, processor_us } = summary(found[name]);
    const processor_us_an_expression = rounded((processor_us - openid.processor_us) / expressions);
    return { userinfo_per_s, processor_us, ...(name === 'openid' ? {} : { processor_us_an_expression }) };
  };
  return {
    with_shipped_mappings: told('shipped'),
    with_the_same_interpreted: told('interpreted'),
    with_openid_alone: told('openid'),
  };
}

type Name = 'shipped' | 'interpreted' | 'openid';

async function client(core: Subject, name: Name): Promise<Contender> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const scopes = name === 'openid' ? ['openid'] : ['openid', 'email', 'profile'];
  const wanted = await mappings(core, scopes, name === 'interpreted');
  const provider = await core.call<{ pk: number; client_id: string; client_secret: string }>(
    'POST',
    '/providers/oauth2/',
    {
      name: `bench ${name}`,
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
      property_mappings: wanted,
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

/** Keys of the shipped mappings of these scopes, or of copies that have no twin. */
async function mappings(core: Subject, scopes: readonly string[], isCopied: boolean): Promise<string[]> {
  const path = '/propertymappings/provider/scope/';
  const found = await core.call<{ results: { pk: string; scope_name: string; expression: string }[] }>(
    'GET',
    `${path}?managed__isnull=false&page_size=100`,
  );
  const wanted = found.results.filter(({ scope_name }) => scopes.includes(scope_name));
  if (!isCopied) return wanted.map(({ pk }) => pk);
  const copies: string[] = [];
  for (const { scope_name, expression } of wanted) {
    const copy = { name: `interpreted ${scope_name}`, scope_name, expression: `pass\n${expression}` };
    copies.push((await core.call<{ pk: string }>('POST', path, copy)).pk);
  }
  return copies;
}
