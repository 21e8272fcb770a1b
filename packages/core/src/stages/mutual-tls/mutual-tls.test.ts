// The mutual TLS stage in a whole core: as the router, nginx or a RADIUS outpost would hand certificates on.
import { createTestAuthority, type IssueOptions, type TestAuthority } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  startTestCore,
  type TestCore,
  uniqueName,
} from '../../testing/index.ts';

let core: TestCore;
let authority: TestAuthority;
let ca: string;
let outpost: string;
let login: string;
beforeAll(async () => {
  core = await startTestCore();
  authority = await createTestAuthority();
  ca = await keyPair(authority.caPem);
  outpost = await core.outpostToken('radius');
  login = await stageNamed(core, 'user_login', 'default-authentication-login');
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

const keyPair = async (certificate_data: string) =>
  (
    await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/', {
      name: uniqueName('ca'),
      certificate_data,
    })
  ).pk;
const issue = async (name: string, options: IssueOptions = {}) => (await authority.issue(name, options)).certPem;
const usual = () => ({
  mode: 'required',
  certificate_authorities: [ca],
  cert_attribute: 'common_name',
  user_attribute: 'username',
});
/** A flow of this stage and a login. @param before stages in front */
async function flowOf(settings: object = {}, before: readonly string[] = [], flow: object = {}) {
  const stage = await makeStage(core, 'mtls', { ...usual(), ...settings });
  return (await makeFlow(core, [...before, stage, login], flow)).slug;
}
const byNginx = (pem: string) => ({ 'ssl-client-cert': encodeURIComponent(pem) });
const byOutpost = (pem: string, token = outpost) => ({
  'x-authentik-outpost-token': token,
  'x-authentik-remote-ip': '192.0.2.7',
  'x-authentik-outpost-certificate': encodeURIComponent(pem).replaceAll('%20', '+'),
});
/** How a flow ends for whoever sends these headers, and as whom. */
async function end(slug: string, headers: Record<string, string>) {
  const visitor = createVisitor(core.url, headers);
  const { component, error_message } = await visitor.flow(slug);
  if (component !== 'xak-flow-redirect') return { component, error_message };
  const me = await visitor.fetch('api/v3/core/users/me/');
  const { user } = (await me.json()) as { user: { username: string } };
  return { user: user.username };
}
const accepted = (username: string) => ({ user: username });
const refused = { component: 'ak-stage-access-denied', error_message: 'The certificate was not accepted.' };
const missing = {
  component: 'ak-stage-access-denied',
  error_message: 'Certificate required but no certificate was given.',
};
interface EventRow {
  readonly context: {
    readonly reason?: string;
    readonly certificate?: Record<string, string>;
    readonly outpost?: string;
    readonly auth_method?: string;
    readonly auth_method_args?: { readonly certificate?: Record<string, string> };
  };
  readonly app: string;
  readonly client_ip: string;
}
const newest = async (action: string) =>
  (await core.call<{ results: EventRow[] }>('GET', `/events/events/?action=${action}&ordering=-created&page_size=1`))
    .results[0];

test('core 9.3: an administrator makes one by the API, with every field of the contract', async () => {
  const name = uniqueName('mtls');
  const made = await core.call<{ pk: string }>('POST', '/stages/mtls/', { name, ...usual() });
  expect(made).toMatchObject({
    name,
    component: 'ak-stage-mtls-form',
    verbose_name: 'Mutual TLS Stage',
    verbose_name_plural: 'Mutual TLS Stages',
    meta_model_name: 'authentik_stages_mtls.mutualtlsstage',
    flow_set: [],
    ...usual(),
  });
  const found = async (query: string) =>
    (await core.call<{ results: { pk: string }[] }>('GET', `/stages/mtls/?name=${name}&${query}`)).results.length;
  expect(await found('mode=required&cert_attribute=common_name&user_attribute=username')).toBe(1);
  expect([await found('mode=optional'), await found('cert_attribute=email')]).toEqual([0, 0]);
  await expect(core.call('PATCH', `/stages/mtls/${made.pk}/`, { mode: 'sometimes' })).rejects.toThrow('400');
  await expect(core.call('PATCH', `/stages/mtls/${made.pk}/`, { certificate_authorities: [login] })).rejects.toThrow();
  const uses = await core.call<{ name: string }[]>('GET', `/crypto/certificatekeypairs/${ca}/used_by/`);
  expect(uses.map((use) => use.name)).toContain(name);
});

describe('a good certificate', () => {
  test.each(['nginx', 'an outpost'] as const)('by %s: its common name is the user', async (who) => {
    const { username } = await makeUser(core);
    const pem = await issue(username);
    const headers = who === 'nginx' ? byNginx(pem) : byOutpost(pem);
    expect(await end(await flowOf(), headers)).toEqual(accepted(username));
    const event = await newest('login');
    expect(event?.context).toMatchObject({
      auth_method: 'mtls',
      auth_method_args: { certificate: { subject: `CN=${username}`, issuer: 'CN=Test CA' } },
    });
    expect(event?.client_ip).toBe(who === 'nginx' ? '127.0.0.1' : '192.0.2.7');
  });

  test('an address or the whole subject may be what is compared', async () => {
    const { username } = await makeUser(core, { email: `${uniqueName('mail')}@example.org` });
    const { email = '' } =
      (await core.call<{ results: { email: string }[] }>('GET', `/core/users/?username=${username}`)).results[0] ?? {};
    const byMail = await flowOf({ cert_attribute: 'email', user_attribute: 'email' });
    const pem = await issue('anybody', { names: `email:${email.toUpperCase()}` });
    expect(await end(byMail, byNginx(pem))).toEqual(accepted(username));
    const subject = 'CN=someone,O=Example';
    await makeUser(core, { username: subject });
    const bySubject = await flowOf({ cert_attribute: 'subject' });
    expect(await end(bySubject, byNginx(await issue('', { subject: '/O=Example/CN=someone' })))).toEqual(
      accepted(subject),
    );
  });

  test('the brand’s authorities count where the stage names none, those of the stage alone where it does', async () => {
    const { username } = await makeUser(core);
    const pem = await issue(username);
    await using other = await createTestAuthority('Other CA');
    const [brand] = (await core.call<{ results: { brand_uuid: string }[] }>('GET', '/core/brands/')).results;
    const slug = await flowOf({ certificate_authorities: [] });
    expect(await end(slug, byNginx(pem))).toEqual(refused);
    expect((await newest('login_failed'))?.context.reason).toContain('neither the stage nor the brand');
    const set = (client_certificates: string[]) =>
      core.call('PATCH', `/core/brands/${brand?.brand_uuid}/`, { client_certificates });
    await set([ca]);
    expect(await end(slug, byNginx(pem))).toEqual(accepted(username));
    const own = await flowOf({ certificate_authorities: [await keyPair(other.caPem)] });
    expect(await end(own, byNginx(pem))).toEqual(refused);
    await set([]);
    expect(await end(slug, byNginx(pem))).toEqual(refused);
  });

  test('an authority in between may come along, or be configured', async () => {
    const { username } = await makeUser(core);
    const own = await authority.issue('Branch CA', { isAuthority: true, purpose: 'any' });
    await using branch = await createTestAuthority('Branch CA', own);
    const { certPem } = await branch.issue(username);
    const slug = await flowOf();
    expect(await end(slug, byNginx(certPem))).toEqual(refused);
    expect(await end(slug, byNginx(certPem + own.certPem))).toEqual(accepted(username));
    const both = await flowOf({ certificate_authorities: [await keyPair(own.certPem + authority.caPem)] });
    expect(await end(both, byNginx(certPem))).toEqual(accepted(username));
  });

  test('enrols: what it says is what a user is made of', async () => {
    const username = uniqueName('enrolled');
    const write = await makeStage(core, 'user_write', { user_creation_mode: 'always_create' });
    const stage = await makeStage(core, 'mtls', usual());
    const { slug } = await makeFlow(core, [stage, write, login], { designation: 'enrollment' });
    const visitor = createVisitor(core.url, byNginx(await issue(username)));
    expect((await visitor.flow(slug)).component).toBe('xak-flow-redirect');
    const { results } = await core.call<{ results: unknown[] }>('GET', `/core/users/?username=${username}`);
    expect(results).toHaveLength(1);
  });
});

describe('refused, and the event says why', () => {
  const cases: [string, IssueOptions, string][] = [
    ['an expired one', { days: -1 }, 'expired on'],
    ['one of a server', { purpose: 'server' }, 'not meant for client authentication'],
    ['one for encryption', { extensions: ['keyUsage=critical,keyEncipherment'] }, 'not meant for signatures'],
    ['an authority', { isAuthority: true }, "holds no client's certificate"],
  ];
  test.each(cases)('%s', async (_what, options, reason) => {
    const { username } = await makeUser(core);
    const pem = await issue(username, options);
    const slug = await flowOf();
    for (const headers of [byNginx(pem), byOutpost(pem)]) {
      expect(await end(slug, headers)).toMatchObject({ component: 'ak-stage-access-denied' });
      const event = await newest('login_failed');
      expect([event?.app, event?.context.reason]).toEqual(['authentik.stages.mtls', expect.stringContaining(reason)]);
    }
  });

  test('one of an unknown authority, with the name of ours or another', async () => {
    const { username } = await makeUser(core);
    const slug = await flowOf();
    for (const name of ['Test CA', 'Other CA']) {
      await using other = await createTestAuthority(name);
      const { certPem } = await other.issue(username);
      expect(await end(slug, byNginx(certPem + other.caPem))).toEqual(refused);
      const { context } = (await newest('login_failed')) ?? {};
      expect(context?.reason).toContain(`no configured authority has signed it (issuer CN=${name})`);
      expect(context?.certificate).toMatchObject({ subject: `CN=${username}`, issuer: `CN=${name}` });
    }
  });

  test('nobody, several, somebody who is not active, and the stand-in for nobody', async () => {
    const mail = `${uniqueName('mail')}@example.org`;
    const inactive = await makeUser(core, { is_active: false });
    await makeUser(core, { email: mail });
    await makeUser(core, { email: mail.toUpperCase() });
    const slug = await flowOf();
    const byMail = await flowOf({ cert_attribute: 'email', user_attribute: 'email' });
    const outcomes = [
      [slug, await issue('nobody-at-all'), 'nobody has the name nobody-at-all'],
      [slug, await issue('AnonymousUser'), 'nobody has the name AnonymousUser'],
      [slug, await issue(inactive.username), 'is not active'],
      [slug, await issue('x', { subject: '/CN=akadmin/CN=ada' }), 'has no common_name'],
      [byMail, await issue('akadmin'), 'has no email'],
      [byMail, await issue('x', { names: `email:${mail.replace('m', 'M')}` }), 'several users have the address'],
    ] as const;
    for (const [flow, pem, reason] of outcomes) {
      expect(await end(flow, byNginx(pem))).toEqual(refused);
      expect((await newest('login_failed'))?.context.reason).toContain(reason);
    }
  });

  test('an authority that is taken away counts no more, at the next login', async () => {
    const { username } = await makeUser(core);
    const key = await keyPair(authority.caPem);
    const slug = await flowOf({ certificate_authorities: [key] });
    const pem = await issue(username);
    expect(await end(slug, byNginx(pem))).toEqual(accepted(username));
    await core.call('DELETE', `/crypto/certificatekeypairs/${key}/`);
    expect(await end(slug, byNginx(pem))).toEqual(refused);
  });

  test('a certificate of somebody else than the flow is about', async () => {
    const [one, other] = [await makeUser(core), await makeUser(core)];
    const identification = await makeStage(core, 'identification', { user_fields: ['username'] });
    const slug = await flowOf({}, [identification]);
    const visitor = createVisitor(core.url, byNginx(await issue(other.username)));
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { uid_field: one.username })).component).toBe('ak-stage-access-denied');
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { uid_field: 'anonymous' })).component).toBe('xak-flow-redirect');
  });
});

describe('who may hand one on', () => {
  test('nobody presents one by the header of outposts, with the token of no outpost, or without the grant', async () => {
    const { username } = await makeUser(core);
    const pem = await issue(username);
    const slug = await flowOf();
    const { 'x-authentik-outpost-certificate': alone } = byOutpost(pem);
    expect(await end(slug, { 'x-authentik-outpost-certificate': alone })).toEqual(missing);
    expect(await end(slug, byOutpost(pem, 'invented'))).toEqual(missing);
    expect(await end(slug, byOutpost(pem, core.adminToken))).toEqual(missing);
    for (const type of ['ldap', 'proxy'] as const) {
      expect(await end(slug, byOutpost(pem, await core.outpostToken(type)))).toEqual(missing);
      expect((await newest('login_failed'))?.context).toMatchObject({
        reason: expect.stringContaining('was not granted authentik_stages_mtls.pass_outpost_certificate'),
        outpost: expect.stringContaining('ak-outpost-'),
      });
    }
    expect(await end(slug, byOutpost(pem))).toEqual(accepted(username));
  });

  test('what a proxy says of an outpost is not of whom the outpost speaks for', async () => {
    const { username } = await makeUser(core);
    const { 'x-authentik-outpost-certificate': _, ...headers } = byOutpost('');
    expect(await end(await flowOf(), { ...headers, ...byNginx(await issue(username)) })).toEqual(missing);
  });
});

describe('optional', () => {
  test('without one, or with a bad one, the flow goes on; with a good one it knows who it is', async () => {
    const { username } = await makeUser(core);
    const identification = await makeStage(core, 'identification', { user_fields: ['username'] });
    const stage = await makeStage(core, 'mtls', { ...usual(), mode: 'optional' });
    const { slug } = await makeFlow(core, [stage, identification]);
    const first = async (headers: Record<string, string>) =>
      (await createVisitor(core.url, headers).flow(slug)).component;
    expect(await first({})).toBe('ak-stage-identification');
    expect(await first(byNginx(await issue(username, { days: -1 })))).toBe('ak-stage-identification');
    const alone = await flowOf({ mode: 'optional' });
    expect(await end(alone, byNginx(await issue(username)))).toEqual(accepted(username));
    expect(await end(alone, {})).toMatchObject({ component: 'ak-stage-access-denied' });
  });

  test('behind an outpost a bad one ends the login, even where a name was typed before', async () => {
    const { username } = await makeUser(core);
    const identification = await makeStage(core, 'identification', { user_fields: ['username'] });
    const slug = await flowOf({ mode: 'optional' }, [identification]);
    await using other = await createTestAuthority('Other CA');
    const bad = (await other.issue(username)).certPem;
    for (const token of [outpost, await core.outpostToken('ldap')]) {
      const visitor = createVisitor(core.url, byOutpost(bad, token));
      await visitor.flow(slug);
      expect((await visitor.flow(slug, { uid_field: username })).component).toBe('ak-stage-access-denied');
    }
  });
});

test('core-contract 8.3: an outpost has the grant as long as it serves a RADIUS provider', async () => {
  const provider = await core.call<{ pk: number }>('POST', '/providers/radius/', {
    name: uniqueName('radius'),
    ...(await flows()),
  });
  const made = await core.call<{ pk: string }>('POST', '/outposts/instances/', {
    name: uniqueName('outpost'),
    type: 'radius',
    providers: [provider.pk],
    config: {},
  });
  const { username } = await makeUser(core);
  const [slug, pem] = [await flowOf(), await issue(username)];
  const token = async () => {
    const identifier = `ak-outpost-${made.pk}-api`;
    return (await core.call<{ key: string }>('GET', `/core/tokens/${identifier}/view_key/`)).key;
  };
  expect(await end(slug, byOutpost(pem, await token()))).toEqual(accepted(username));
  const [ldap] = (await core.call<{ results: { pk: number }[] }>('GET', '/providers/ldap/')).results;
  await core.call('PATCH', `/outposts/instances/${made.pk}/`, { type: 'ldap', providers: [ldap?.pk] });
  expect(await end(slug, byOutpost(pem, await token()))).toEqual(missing);
});

async function flows() {
  const pk = async (designation: string) =>
    (await core.call<{ results: { pk: string }[] }>('GET', `/flows/instances/?designation=${designation}`)).results[0]
      ?.pk;
  return { authorization_flow: await pk('authentication'), invalidation_flow: await pk('invalidation') };
}
