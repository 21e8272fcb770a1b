// The calls that scripts and tools like Terraform make of the REST API, made by the vendor's own client: each resource is made,
// read, replaced, changed, listed and deleted, and shows every field as it was written.
import { startTestCore, type TestCore, uniqueName } from '@gatehouse/core/testing';
import * as vendor from '@goauthentik/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnswerCheck, createAnswerCheck, type Document } from './document.ts';

let core: TestCore;
let client: vendor.Configuration;
/** The last call as it went over the wire: the client's own objects leave out what it does not know. */
let last: { readonly sent: unknown; readonly status: number; readonly text: string };
/** Our own document, and what of the answers was not as it says. */
let check: AnswerCheck;
const unlike: string[] = [];
let ids: Readonly<
  Record<'authorization' | 'invalidation' | 'login' | 'admins' | 'policy' | 'stage' | 'prompt', string>
>;

beforeAll(async () => {
  core = await startTestCore();
  check = createAnswerCheck((await (await fetch(`${core.url}api/v3/schema/`)).json()) as Document); // vendor.test.ts validates it
  client = new vendor.Configuration({
    basePath: `${core.url}api/v3`,
    accessToken: () => core.adminToken,
    async fetchApi(input: string, init?: RequestInit) {
      const response = await fetch(input, init);
      const sent: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
      last = { sent, status: response.status, text: await response.clone().text() };
      const path = input.slice(`${core.url}api/v3`.length);
      unlike.push(...check.problems(init?.method ?? 'GET', path, last));
      return response;
    },
  });
  const flow = async (slug: string) => (await new vendor.FlowsApi(client).flowsInstancesRetrieve({ slug })).pk;
  const [admins] = (await new vendor.CoreApi(client).coreGroupsList({ name: 'authentik Admins' })).results;
  ids = {
    authorization: await flow('default-provider-authorization-implicit-consent'),
    invalidation: await flow('default-provider-invalidation-flow'),
    login: await flow('default-authentication-flow'),
    admins: admins?.pk ?? '',
    policy: (
      await core.call<{ pk: string }>('POST', '/policies/dummy/', { name: 'some policy', wait_min: 0, wait_max: 0 })
    ).pk,
    stage: (await core.call<{ pk: string }>('POST', '/stages/dummy/', { name: 'some stage' })).pk,
    prompt: (
      await core.call<{ pk: string }>('POST', '/stages/prompt/prompts/', {
        name: 'some prompt',
        field_key: 'some',
        label: 'Some',
        type: 'text',
      })
    ).pk,
  };
}, 90_000);
afterAll(() => core?.[Symbol.asyncDispose]());

interface Resource {
  readonly api: vendor.BaseAPI;
  /** What the client calls it: `coreUsers`. */
  readonly stem: string;
  /** Parameter that carries the object, and the one that carries its key. */
  readonly body: string;
  readonly key: string;
  /** Field of the object that is its key. */
  readonly id?: string;
  readonly row: Readonly<Record<string, unknown>>;
  /** Written, and shown differently or never. */
  readonly unlike?: readonly string[];
}

type Call = (parameters: object) => Promise<Record<string, unknown>>;

/** Everything the client offers for the resource, one after the other. */
async function lifeOf({ api, stem, body, key, id = 'pk', row, unlike = [] }: Resource): Promise<void> {
  const call = async (verb: string, parameters: object) => {
    const method = Reflect.get(api, `${stem}${verb}`) as Call; // the client has one for each of these verbs
    const result = await method.call(api, parameters);
    if (['Create', 'Update', 'PartialUpdate'].includes(verb)) expectEcho(`${stem}${verb}`, unlike);
    return result;
  };
  const made = await call('Create', { [body]: row });
  const one = { [key]: made[id] };
  expect(await call('Retrieve', one), stem).toMatchObject({ [id]: made[id] });
  const name = Object.keys(row).find((field) => ['name', 'username', 'description', 'brandingTitle'].includes(field));
  const changed = name === undefined ? { order: 77 } : { [name]: uniqueName('changed') };
  await call('Update', { ...one, [body]: { ...row, ...changed } });
  await call('PartialUpdate', { ...one, [`patched${body[0]?.toUpperCase()}${body.slice(1)}`]: changed });
  expect(await call('UsedByList', one), stem).toEqual(expect.any(Array));
  const rows = (await call('List', { pageSize: 100, ordering: '-pk', superuserFullList: true }))['results'];
  expect(rows, stem).toContainEqual(expect.objectContaining({ [id]: made[id] }));
  await expectAudit(stem, made, ['model_created', 'model_updated']);
  await call('Destroy', one);
  expect(last.status, stem).toBe(204);
  await expect(call('Retrieve', one), stem).rejects.toThrow();
  expect(last, stem).toMatchObject({
    status: 404,
    text: expect.stringMatching(/^\{"detail":"No \w+ matches the given query\."\}$/),
  });
}

/** Every change is an event (core.md §20.1). */
async function expectAudit(what: string, made: Record<string, unknown>, actions: readonly string[]): Promise<void> {
  const pk = String(made['pk'] ?? made['pbmUuid'] ?? made['brandUuid']);
  const { results } = await core.call<{ results: { action: string }[] }>(
    'GET',
    `/events/events/?context_model_pk=${pk}`,
  );
  expect(
    results.map(({ action }) => action),
    `events of ${what} ${pk}`,
  ).toEqual(expect.arrayContaining([...actions]));
}

/** Tools compare what they wrote with what is there. */
function expectEcho(what: string, unlike: readonly string[]): void {
  const shown: unknown = JSON.parse(last.text);
  const written = Object.entries(Object(last.sent)).filter(([name]) => !unlike.includes(name));
  expect(shown, what).toMatchObject(Object.fromEntries(written));
}

const redirect = { matchingMode: 'strict', url: 'https://some.test/back', redirectUriType: 'authorization' };
const provider = () => ({
  authenticationFlow: null,
  authorizationFlow: ids.authorization,
  invalidationFlow: ids.invalidation,
  propertyMappings: [],
});

describe('what people and programs are', () => {
  test('users, groups, roles, tokens', async () => {
    const api = new vendor.CoreApi(client);
    await lifeOf({
      api,
      stem: 'coreUsers',
      body: 'userRequest',
      key: 'id',
      row: {
        username: uniqueName('user'),
        name: 'Some Body',
        email: 'some@body.test',
        isActive: true,
        path: 'staff/ops',
        type: 'external',
        attributes: { a: { b: 1 } },
        groups: [ids.admins],
        roles: [],
      },
    });
    await lifeOf({
      api,
      stem: 'coreGroups',
      body: 'groupRequest',
      key: 'groupUuid',
      row: {
        name: uniqueName('group'),
        isSuperuser: false,
        parents: [ids.admins],
        users: [],
        roles: [],
        attributes: { a: 1 },
      },
    });
    await lifeOf({
      api: new vendor.RbacApi(client),
      stem: 'rbacRoles',
      body: 'roleRequest',
      key: 'uuid',
      row: { name: uniqueName('role') },
    });
    const token = { identifier: uniqueName('token'), intent: 'app_password', description: 'some', expiring: false };
    await lifeOf({ api, stem: 'coreTokens', body: 'tokenRequest', key: 'identifier', id: 'identifier', row: token });
  });

  test('a password, a place, members, a service account, a key', async () => {
    const api = new vendor.CoreApi(client);
    const user = await api.coreUsersCreate({ userRequest: { username: uniqueName('user'), name: 'Some Body' } });
    await api.coreUsersSetPasswordCreate({ id: user.pk, userPasswordSetRequest: { password: 'some password' } });
    expect(last.status).toBe(204);
    await api.coreUsersPartialUpdate({ id: user.pk, patchedUserRequest: { path: 'some/place' } });
    expect((await api.coreUsersPathsRetrieve()).paths).toContain('some/place');
    const found = async (parameters: vendor.CoreUsersListRequest) =>
      (await api.coreUsersList({ pageSize: 100, ...parameters })).results.some(({ pk }) => pk === user.pk);
    expect(await found({ pathStartswith: 'some', isActive: true, type: ['internal'], includeGroups: false })).toBe(
      true,
    );
    const group = await api.coreGroupsCreate({ groupRequest: { name: uniqueName('group') } });
    const member = { groupUuid: group.pk, userAccountRequest: { pk: user.pk } };
    await api.coreGroupsAddUserCreate(member);
    expect(await found({ groupsByName: [group.name] })).toBe(true);
    expect(await found({ groupsByPk: [group.pk] })).toBe(true);
    await expectAudit('group', { pk: group.pk }, ['model_updated']);
    await api.coreGroupsRemoveUserCreate(member);
    expect(await found({ groupsByName: [group.name] })).toBe(false);
    const name = uniqueName('service');
    const service = await api.coreUsersServiceAccountCreate({
      userServiceAccountRequest: { name, createGroup: true, expiring: false },
    });
    expect(service).toMatchObject({ username: name, token: expect.any(String), groupPk: expect.any(String) });
    const identifier = uniqueName('token');
    await api.coreTokensCreate({ tokenRequest: { identifier, user: user.pk, intent: 'api', expiring: false } });
    const { key } = await api.coreTokensViewKeyRetrieve({ identifier });
    const own = new vendor.CoreApi(new vendor.Configuration({ basePath: `${core.url}api/v3`, accessToken: () => key }));
    expect((await own.coreUsersMeRetrieve()).user).toMatchObject({ pk: user.pk, username: user.username });
    await api.coreTokensSetKeyCreate({ identifier, tokenSetKeyRequest: { key: 'another key' } });
    await expect(own.coreUsersMeRetrieve()).rejects.toMatchObject({ response: { status: 403 } });
    expect(await api.coreAuthenticatedSessionsBulkDeleteDestroy({ userPks: [user.pk] })).toMatchObject({ deleted: 0 });
    await api.coreUsersDestroy({ id: user.pk });
    await expect(api.coreUsersRetrieve({ id: user.pk })).rejects.toMatchObject({ response: { status: 404 } });
  });

  test('rights of a role, everywhere and on one object', async () => {
    const api = new vendor.RbacApi(client);
    const { pk: uuid } = await api.rbacRolesCreate({ roleRequest: { name: uniqueName('role') } });
    const everywhere = { permissions: ['authentik_core.view_user'] };
    const onOne = { permissions: ['authentik_core.view_group'], model: 'authentik_core.group', objectPk: ids.admins };
    for (const permissionAssignRequest of [everywhere, onOne])
      await api.rbacPermissionsAssignedByRolesAssign({
        uuid,
        permissionAssignRequest: permissionAssignRequest as vendor.PermissionAssignRequest, // the id as text is the enum's value
      });
    const rights = async () =>
      (await api.rbacPermissionsRolesList({ uuid })).results.map(({ codename, objectPk }) => [codename, objectPk]);
    expect(await rights()).toEqual([['view_group', ids.admins]]);
    await api.rbacPermissionsAssignedByRolesUnassignPartialUpdate({
      uuid,
      patchedPermissionAssignRequest: onOne as vendor.PatchedPermissionAssignRequest, // as above
    });
    expect(await rights()).toEqual([]);
    await expectAudit('role', { pk: uuid }, ['model_updated']);
  });
});

describe('what is protected', () => {
  test('applications, entitlements, brands', async () => {
    const api = new vendor.CoreApi(client);
    const slug = uniqueName('app');
    await lifeOf({
      api,
      stem: 'coreApplications',
      body: 'applicationRequest',
      key: 'slug',
      id: 'slug',
      row: {
        name: 'Some application',
        slug,
        provider: null,
        backchannelProviders: [],
        openInNewTab: true,
        metaLaunchUrl: 'https://some.test',
        metaIcon: 'fa://fa-some',
        metaDescription: 'some',
        metaPublisher: 'some',
        metaHide: true,
        policyEngineMode: 'all',
        group: 'Some',
      },
    });
    const app = await api.coreApplicationsCreate({ applicationRequest: { name: 'Some', slug } });
    await lifeOf({
      api,
      stem: 'coreApplicationEntitlements',
      body: 'applicationEntitlementRequest',
      key: 'pbmUuid',
      id: 'pbmUuid',
      row: { name: uniqueName('entitlement'), app: app.pk, attributes: { a: 1 } },
    });
    await lifeOf({
      api,
      stem: 'coreBrands',
      body: 'brandRequest',
      key: 'brandUuid',
      id: 'brandUuid',
      row: {
        domain: `${uniqueName('brand')}.test`,
        _default: false,
        brandingTitle: 'Some',
        brandingLogo: '/static/dist/some.svg',
        brandingFavicon: '/static/dist/some.png',
        brandingCustomCss: 'a {}',
        brandingDefaultFlowBackground: '/static/dist/some.jpg',
        flowAuthentication: ids.login,
        flowInvalidation: null,
        flowLockdown: null,
        defaultApplication: app.pk,
        webCertificate: null,
        clientCertificates: [],
        attributes: { a: 1 },
      },
    });
  });

  test('providers of each kind', async () => {
    const api = new vendor.ProvidersApi(client);
    await lifeOf({
      api,
      stem: 'providersOauth2',
      body: 'oAuth2ProviderRequest',
      key: 'id',
      row: {
        name: uniqueName('oauth'),
        ...provider(),
        clientType: 'confidential',
        clientId: uniqueName('client'),
        clientSecret: 'some secret',
        accessCodeValidity: 'minutes=2',
        accessTokenValidity: 'minutes=10',
        refreshTokenValidity: 'days=7',
        refreshTokenThreshold: 'hours=1',
        includeClaimsInIdToken: false,
        signingKey: null,
        encryptionKey: null,
        redirectUris: [redirect],
        logoutUri: 'https://some.test/out',
        logoutMethod: 'backchannel',
        subMode: 'user_email',
        issuerMode: 'global',
        grantTypes: ['authorization_code', 'refresh_token'],
        jwtFederationProviders: [],
      },
    });
    await lifeOf({
      api,
      stem: 'providersProxy',
      body: 'proxyProviderRequest',
      key: 'id',
      row: {
        name: uniqueName('proxy'),
        ...provider(),
        mode: 'proxy',
        internalHost: 'http://inside.test',
        externalHost: 'https://outside.test',
        internalHostSslValidation: false,
        certificate: null,
        skipPathRegex: '^/open',
        basicAuthEnabled: true,
        basicAuthUserAttribute: 'name',
        basicAuthPasswordAttribute: 'word',
        interceptHeaderAuth: false,
        cookieDomain: '',
        accessTokenValidity: 'hours=2',
      },
      unlike: ['property_mappings'], // it has its five, whatever is asked (core.md §4.4)
    });
    await lifeOf({
      api,
      stem: 'providersLdap',
      body: 'lDAPProviderRequest',
      key: 'id',
      row: {
        name: uniqueName('ldap'),
        ...provider(),
        baseDn: 'dc=some,dc=test',
        certificate: null,
        tlsServerName: 'some.test',
        uidStartNumber: 3000,
        gidStartNumber: 5000,
        searchMode: 'cached',
        bindMode: 'cached',
        mfaSupport: false,
      },
    });
    await lifeOf({
      api,
      stem: 'providersRadius',
      body: 'radiusProviderRequest',
      key: 'id',
      row: {
        name: uniqueName('radius'),
        ...provider(),
        clientNetworks: '10.0.0.0/8',
        sharedSecret: 'some secret',
        mfaSupport: false,
        certificate: null,
      },
    });
  });

  test('outposts, and how they are', async () => {
    const api = new vendor.OutpostsApi(client);
    const { pk } = await new vendor.ProvidersApi(client).providersProxyCreate({
      proxyProviderRequest: {
        name: uniqueName('proxy'),
        authorizationFlow: ids.authorization,
        invalidationFlow: ids.invalidation,
        mode: 'forward_single',
        externalHost: 'https://outside.test',
      },
    });
    const row = { name: uniqueName('outpost'), type: 'proxy', providers: [pk], config: { log_level: 'debug' } };
    const outpost = { api, stem: 'outpostsInstances', body: 'outpostRequest', key: 'uuid' };
    await lifeOf({ ...outpost, row: { ...row, serviceConnection: null, managed: null } });
    await expect(
      lifeOf({ ...outpost, row: { ...row, serviceConnection: '11111111-2222-4333-8444-555555555555' } }),
    ).rejects.toThrow();
    expect(JSON.parse(last.text)).toEqual({
      service_connection: ['Invalid pk "11111111-2222-4333-8444-555555555555" - object does not exist.'],
    });
    expect((await api.outpostsInstancesDefaultSettingsRetrieve()).config).toMatchObject({ log_level: 'info' });
    const [embedded] = (await api.outpostsInstancesList({ managedIexact: 'goauthentik.io/outposts/embedded' })).results;
    expect(await api.outpostsInstancesHealthList({ uuid: embedded?.pk ?? '' })).toEqual([]);
  });

  test('several at once, and who may use it', async () => {
    const api = new vendor.CoreApi(client);
    const slug = uniqueName('wizard');
    const made = await api.coreTransactionalApplicationsUpdate({
      transactionApplicationRequest: {
        app: { name: slug, slug },
        providerModel: 'authentik_providers_oauth2.oauth2provider',
        provider: {
          providerModel: 'authentik_providers_oauth2.oauth2provider',
          name: slug,
          authorizationFlow: ids.authorization,
          invalidationFlow: ids.invalidation,
          redirectUris: [{ matchingMode: 'strict', url: 'https://some.test/back' }],
        },
        policyBindings: [{ group: ids.admins, order: 0 }],
      },
    });
    expect(made).toMatchObject({ applied: true });
    expect((await api.coreApplicationsCheckAccessRetrieve({ slug })).passing).toBe(true);
    const { provider: pk } = await api.coreApplicationsRetrieve({ slug });
    const urls = await new vendor.ProvidersApi(client).providersOauth2SetupUrlsRetrieve({ id: Number(pk) });
    expect(urls.issuer).toBe(`${core.url}application/o/${slug}/`);
  });
});

describe('flows', () => {
  test('flows, their stages and their policies', async () => {
    const api = new vendor.FlowsApi(client);
    const slug = uniqueName('flow');
    const flow = { name: 'Some flow', slug, title: 'Some', designation: 'authentication' } as const;
    await lifeOf({
      api,
      stem: 'flowsInstances',
      body: 'flowRequest',
      key: 'slug',
      id: 'slug',
      row: {
        ...flow,
        background: '',
        policyEngineMode: 'all',
        compatibilityMode: true,
        layout: 'content_left',
        deniedAction: 'continue',
        authentication: 'require_unauthenticated',
      },
    });
    const { pk: target, policybindingmodelPtrId } = await api.flowsInstancesCreate({ flowRequest: flow });
    const binding = { target, stage: ids.stage, order: 5, evaluateOnPlan: true, reEvaluatePolicies: false };
    await lifeOf({
      api,
      stem: 'flowsBindings',
      body: 'flowStageBindingRequest',
      key: 'fsbUuid',
      row: { ...binding, policyEngineMode: 'all', invalidResponseAction: 'restart' },
    });
    const policies = new vendor.PoliciesApi(client);
    await lifeOf({
      api: policies,
      stem: 'policiesBindings',
      body: 'policyBindingRequest',
      key: 'policyBindingUuid',
      row: {
        target,
        policy: ids.policy,
        group: null,
        user: null,
        negate: true,
        enabled: false,
        order: 3,
        timeout: 9,
        failureResult: true,
      },
    });
    const stage = await api.flowsBindingsCreate({ flowStageBindingRequest: binding });
    const bound = { target: stage.pk, policy: ids.policy, order: 1 };
    await policies.policiesBindingsCreate({ policyBindingRequest: bound });
    expect((await api.flowsBindingsList({ policies: [ids.policy] })).results.map(({ pk }) => pk)).toEqual([stage.pk]);
    const byTarget = { target: policybindingmodelPtrId, policyIsnull: false };
    expect((await policies.policiesBindingsList(byTarget)).results).toEqual([]);
    expect(await api.flowsInstancesExecuteRetrieve({ slug })).toMatchObject({ link: expect.stringContaining(slug) });
    await api.flowsInstancesCacheClearCreate();
    expect(await api.flowsInstancesCacheInfoRetrieve()).toEqual({ count: 0 });
  });

  test('stages of each kind', async () => {
    const api = new vendor.StagesApi(client);
    const kinds: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
      [
        'Identification',
        'identificationStage',
        {
          userFields: ['email', 'upn'],
          caseInsensitiveMatching: false,
          showMatchedUser: false,
          pretendUserExists: false,
          enableRememberMe: true,
          showSourceLabels: true,
          recoveryFlow: ids.login,
        },
      ],
      [
        'Password',
        'passwordStage',
        {
          backends: ['authentik.core.auth.InbuiltBackend'],
          configureFlow: null,
          failedAttemptsBeforeCancel: 3,
          allowShowPassword: true,
        },
      ],
      [
        'UserLogin',
        'userLoginStage',
        {
          sessionDuration: 'hours=1',
          terminateOtherSessions: true,
          rememberMeOffset: 'days=1',
          networkBinding: 'bind_asn',
          geoipBinding: 'bind_continent',
          rememberDevice: 'days=3',
        },
      ],
      ['UserLogout', 'userLogoutStage', {}],
      [
        'UserWrite',
        'userWriteStage',
        {
          userCreationMode: 'always_create',
          createUsersAsInactive: true,
          createUsersGroup: ids.admins,
          userType: 'internal',
          userPathTemplate: 'some/place',
        },
      ],
      ['Consent', 'consentStage', { mode: 'expiring', consentExpireIn: 'weeks=1' }],
      ['Deny', 'denyStage', { denyMessage: 'no' }],
      ['Dummy', 'dummyStage', { throwError: true }],
      [
        'Redirect',
        'redirectStage',
        { mode: 'static', targetStatic: 'https://some.test', targetFlow: null, keepContext: false },
      ],
      [
        'PromptPrompts',
        'prompt',
        {
          fieldKey: 'some',
          label: 'Some',
          type: 'dropdown',
          required: true,
          placeholder: 'a',
          initialValue: 'b',
          order: 4,
          subText: 'c',
          placeholderExpression: false,
          initialValueExpression: false,
        },
      ],
      ['PromptStages', 'promptStage', { fields: [ids.prompt], validationPolicies: [ids.policy] }],
      [
        'AuthenticatorValidate',
        'authenticatorValidateStage',
        {
          notConfiguredAction: 'deny',
          deviceClasses: ['totp'],
          configurationStages: [],
          lastAuthThreshold: 'hours=1',
          totpOtpThrottlingFactor: 2,
          staticOtpThrottlingFactor: 0,
        },
      ],
      ['AuthenticatorTotp', 'authenticatorTOTPStage', { configureFlow: ids.login, friendlyName: 'Some', digits: '8' }],
      [
        'AuthenticatorStatic',
        'authenticatorStaticStage',
        { configureFlow: null, friendlyName: 'Some', tokenCount: 3, tokenLength: 8 },
      ],
    ];
    for (const [kind, body, row] of kinds)
      await lifeOf({
        api,
        stem: `stages${kind}`,
        body: `${body}Request`,
        key: kind === 'PromptPrompts' ? 'promptUuid' : 'stageUuid',
        row: { name: uniqueName('stage'), ...row },
      });
    expect((await api.stagesAllTypesList()).length).toBeGreaterThan(10);
  });

  test('policies of each kind', async () => {
    const api = new vendor.PoliciesApi(client);
    const kinds: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
      ['Expression', 'expressionPolicy', { expression: 'return request.user.is_active' }],
      [
        'Password',
        'passwordPolicy',
        {
          passwordField: 'word',
          amountDigits: 1,
          amountUppercase: 1,
          amountLowercase: 1,
          amountSymbols: 1,
          lengthMin: 9,
          symbolCharset: '!',
          errorMessage: 'no',
          checkStaticRules: true,
          checkHaveIBeenPwned: false,
          checkZxcvbn: true,
          hibpAllowedCount: 1,
          zxcvbnScoreThreshold: 3,
        },
      ],
      ['PasswordExpiry', 'passwordExpiryPolicy', { days: 5, denyOnly: true }],
      [
        'EventMatcher',
        'eventMatcherPolicy',
        { action: 'login', clientIp: '192.0.2.4', app: 'authentik.core', model: null },
      ],
      ['Reputation', 'reputationPolicy', { checkIp: true, checkUsername: false, threshold: -3 }],
      [
        'Geoip',
        'geoIPPolicy',
        {
          asns: [64496],
          countries: ['DE'],
          checkHistoryDistance: true,
          historyMaxDistanceKm: 9,
          distanceToleranceKm: 2,
          historyLoginCount: 3,
          checkImpossibleTravel: true,
          impossibleToleranceKm: 4,
        },
      ],
      ['Dummy', 'dummyPolicy', { result: true, waitMin: 0, waitMax: 1 }],
    ];
    for (const [kind, body, row] of kinds)
      await lifeOf({
        api,
        stem: `policies${kind}`,
        body: `${body}Request`,
        key: 'policyUuid',
        row: { name: uniqueName('policy'), executionLogging: true, ...row },
      });
    const tried = { policyUuid: ids.policy, policyTestRequest: { user: 1, context: { a: 1 } } };
    expect(await api.policiesAllTestCreate(tried)).toMatchObject({ passing: false });
  });

  test('mappings, and what one gives', async () => {
    const api = new vendor.PropertymappingsApi(client);
    const expression = 'return {"some": request.user.username}';
    const kinds: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
      ['ProviderScope', 'scopeMapping', { managed: null, scopeName: 'some', description: 'some' }],
      ['ProviderRadius', 'radiusProviderPropertyMapping', { managed: null }],
      ['Notification', 'notificationWebhookMapping', {}],
    ];
    for (const [kind, body, row] of kinds)
      await lifeOf({
        api,
        stem: `propertymappings${kind}`,
        body: `${body}Request`,
        key: 'pmUuid',
        row: { name: uniqueName('mapping'), expression, ...row },
      });
    const managed = ['goauthentik.io/providers/oauth2/scope-profile'];
    const [profile] = (await api.propertymappingsProviderScopeList({ managed })).results;
    const { pk } = (await new vendor.CoreApi(client).coreUsersMeRetrieve()).user;
    const given = { pmUuid: profile?.pk ?? '', propertyMappingTestRequest: { user: pk } };
    const { result } = await api.propertymappingsAllTestCreate(given);
    expect(JSON.parse(result ?? '')).toMatchObject({ preferred_username: 'akadmin', groups: ['authentik Admins'] });
  });
});

describe('running it', () => {
  test('key pairs', async () => {
    const api = new vendor.CryptoApi(client);
    const made = await api.cryptoCertificatekeypairsGenerateCreate({
      certificateGenerationRequest: {
        commonName: uniqueName('pair'),
        subjectAltName: 'a.test',
        validityDays: 9,
        alg: 'ecdsa',
      },
    });
    const { data: certificateData } = await api.cryptoCertificatekeypairsViewCertificateRetrieve({ kpUuid: made.pk });
    const { data: keyData } = await api.cryptoCertificatekeypairsViewPrivateKeyRetrieve({ kpUuid: made.pk });
    await lifeOf({
      api,
      stem: 'cryptoCertificatekeypairs',
      body: 'certificateKeyPairRequest',
      key: 'kpUuid',
      row: { name: uniqueName('pair'), certificateData, keyData },
      unlike: ['certificate_data', 'key_data'],
    });
    const listed = await api.cryptoCertificatekeypairsList({ name: made.name, hasKey: true, keyType: ['ec'] });
    expect(listed.results.map(({ pk }) => pk)).toEqual([made.pk]);
  });

  test('events, rules and transports', async () => {
    const api = new vendor.EventsApi(client);
    const eventRequest = { action: 'login', app: 'some.app', context: { some: 1 }, clientIp: '192.0.2.1' } as const;
    const { pk } = await api.eventsEventsCreate({ eventRequest });
    const found = await api.eventsEventsList({ clientIp: '192.0.2.1', actions: ['login'], username: 'akadmin' });
    expect(found.results.map((event) => event.pk)).toEqual([pk]);
    expect((await api.eventsEventsActionsList()).map(({ component }) => component)).toContain('login');
    expect(await api.eventsEventsStatsRetrieve({ countSteps: ['hours=1'], clientIp: '192.0.2.1' })).toMatchObject({
      countStep: { 'hours=1': 1 },
      uniqueUsers: 1,
    });
    const hook = { mode: 'webhook', webhookUrl: 'https://some.test', sendOnce: true, emailSubjectPrefix: 'a' };
    await lifeOf({
      api,
      stem: 'eventsTransports',
      body: 'notificationTransportRequest',
      key: 'uuid',
      row: { name: uniqueName('transport'), ...hook, webhookMappingBody: null, webhookMappingHeaders: null },
    });
    await lifeOf({
      api,
      stem: 'eventsRules',
      body: 'notificationRuleRequest',
      key: 'pbmUuid',
      row: {
        name: uniqueName('rule'),
        transports: [],
        severity: 'alert',
        destinationGroup: ids.admins,
        destinationEventUser: true,
      },
    });
  });

  test('blueprints: an instance, its application, and one applied once with a context', async () => {
    const api = new vendor.ManagedApi(client);
    const content = (name: string) =>
      `version: 1\nentries:\n  - model: authentik_core.group\n    identifiers: {name: ${name}}\n`;
    await lifeOf({
      api,
      stem: 'managedBlueprints',
      body: 'blueprintInstanceRequest',
      key: 'instanceUuid',
      row: { name: uniqueName('blueprint'), path: '', context: { a: 1 }, enabled: true, content: content('none') },
    });
    const [applied, imported] = [uniqueName('applied'), uniqueName('imported')];
    const { pk } = await api.managedBlueprintsCreate({
      blueprintInstanceRequest: { name: uniqueName('blueprint'), content: content(applied) },
    });
    await api.managedBlueprintsApplyCreate({ instanceUuid: pk });
    await core.worker.drain();
    expect((await api.managedBlueprintsRetrieve({ instanceUuid: pk })).status).toBe('successful');
    const file = new Blob([content('!Context name')], { type: 'application/yaml' });
    const context = JSON.stringify({ name: imported });
    expect(await api.managedBlueprintsImportCreate({ file, context })).toMatchObject({ success: true });
    const groups = new vendor.CoreApi(client);
    for (const name of [applied, imported]) expect((await groups.coreGroupsList({ name })).results).toHaveLength(1);
    await expect(api.managedBlueprintsImportCreate({ file, context: '[1]' })).rejects.toThrow();
    expect(last).toMatchObject({ status: 400, text: '{"context":["Value must be a JSON object."]}' });
  });

  test('settings, tasks, workers, versions', async () => {
    const admin = new vendor.AdminApi(client);
    const settings = await admin.adminSettingsRetrieve();
    await admin.adminSettingsUpdate({ settingsRequest: { ...settings, eventRetention: 'days=300' } });
    expectEcho('settings', []);
    expect((await admin.adminSystemRetrieve()).embeddedOutpostDisabled).toBe(false);
    expect(await admin.adminVersionRetrieve()).toMatchObject({ outdated: false });
    const tasks = new vendor.TasksApi(client);
    const [schedule] = (await tasks.tasksSchedulesList({ actorName: 'authentik.core.tasks.clean_expired_models' }))
      .results;
    const id = schedule?.id ?? '';
    await tasks.tasksSchedulesPartialUpdate({ id, patchedScheduleRequest: { crontab: '5 * * * *', paused: true } });
    expectEcho('schedule', []);
    await tasks.tasksSchedulesSendCreate({ id });
    await core.worker.drain();
    const done = await tasks.tasksTasksList({ actorName: 'authentik.core.tasks.clean_expired_models', state: 'done' });
    expect(done.results.length).toBeGreaterThan(0);
    expect(await tasks.tasksTasksStatusRetrieve()).toMatchObject({ rejected: 0 });
    expect(await tasks.tasksWorkersList()).toMatchObject([{ versionMatching: true }]);
  });
});

describe('lists', () => {
  test('every filter that the client offers is one: what nothing is like finds nothing', async () => {
    const brands = new vendor.CoreApi(client);
    expect((await brands.coreBrandsList({ brandingLogo: 'nothing' })).results).toEqual([]);
    expect((await brands.coreBrandsList({ flowLockdown: ids.login })).results).toEqual([]);
    const providers = new vendor.ProvidersApi(client);
    const certificateKpUuidIexact = '11111111-2222-4333-8444-555555555555';
    expect((await providers.providersLdapList({ certificateKpUuidIexact })).results).toEqual([]);
    expect((await providers.providersProxyList({ certificateKpUuidIexact })).results).toEqual([]);
    const outposts = new vendor.OutpostsApi(client);
    expect((await outposts.outpostsInstancesList({ serviceConnectionNameIcontains: 'a' })).results).toEqual([]);
    const policies = new vendor.PoliciesApi(client);
    expect((await policies.policiesDummyList({ policyUuid: ids.policy })).results).toHaveLength(1);
    expect((await policies.policiesDummyList({ policyUuid: ids.stage })).results).toEqual([]);
    const roles = new vendor.RbacApi(client);
    expect((await roles.rbacRolesList({ managedIsnull: true, name: 'authentik Read-only' })).results.length).toBe(1);
    expect((await roles.rbacRolesList({ managedIsnull: false })).results).toEqual([]);
  });
});

test('core 27: every answer to the calls above is what our own document says', () => {
  expect([...new Set(unlike)]).toEqual([]);
  expect(check.checked.size).toBeGreaterThan(200);
});
