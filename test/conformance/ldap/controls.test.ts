// ldap.md §16.2 over the wire: every control, alone and with others, in both search modes.
import {
  controlOid,
  decodeListViewResult,
  decodePagedResults,
  decodeSortResult,
  encodeAssertion,
  encodeListViewRequest,
  encodeMatchedValues,
  encodePagedResults,
  encodeSortRequest,
  type ListTarget,
  parseFilter,
} from '@gatehouse/wire/ldap';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bases, dnOf, ldapFixture, password } from './fixture.ts';
import { codeOf, controlValue, namesOf, searchRequest, valuesIn, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const control = (type: string, criticality: boolean, value?: Buffer) => ({ type, criticality, value });
const noCookie: Buffer = Buffer.alloc(0);

describe.each(bases)('controls below %s', (base) => {
  let svc: WireClient;
  beforeAll(async () => {
    svc = await WireClient.plain(fixture.port);
    expect(await svc.bind(dnOf('svc', base), password)).toBe(0);
  });
  afterAll(() => svc[Symbol.dispose]());
  const people = searchRequest(`ou=users,${base}`, '(objectClass=user)', { attributes: ['cn', 'uidNumber'] });
  const sorted = (attribute: string, reverse = false, rule?: string) =>
    encodeSortRequest([{ attribute, rule, reverse }], true);

  test('ldap 16.2: sorting by text and by number, forwards and backwards', async () => {
    const byName = await svc.request(people, [sorted('cn')]);
    const names = namesOf(byName).map((name) => name.toLowerCase());
    expect(names).toEqual(names.toSorted());
    expect(names.length).toBeGreaterThan(10);
    expect(decodeSortResult(controlValue(byName, controlOid.sortResponse)).code).toBe(0);
    expect(namesOf(await svc.request(people, [sorted('cn', true)]))).toEqual(namesOf(byName).toReversed());
    const byNumber = await svc.request(people, [sorted('uidNumber', false, '2.5.13.15')]);
    const numbers = byNumber.flatMap(({ op }) =>
      op.op === 'searchResultEntry' ? [Number(op.attributes.find(({ type }) => type === 'uidNumber')?.values[0])] : [],
    );
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  });

  test('ldap 16.2: several keys; without a value means last', async () => {
    const keys = [
      { attribute: 'ak-active', rule: undefined, reverse: false },
      { attribute: 'cn', rule: undefined, reverse: true },
    ];
    const found = namesOf(await svc.request(people, [encodeSortRequest(keys, true)]));
    expect(found[0]).toBe('old');
    expect(found.slice(1)).toEqual(
      found.slice(1).toSorted((one, other) => (one.toLowerCase() < other.toLowerCase() ? 1 : -1)),
    );
    const withNumber = await svc.request(searchRequest(`ou=groups,${base}`, '(|(cn=devs)(cn=admins))'), [
      sorted('percent'),
    ]);
    expect(namesOf(withNumber)).toEqual(['admins', 'devs']);
  });

  test('ldap 16.2: an order that cannot be had is 12 without entries if critical, no order otherwise', async () => {
    const unknown = { attribute: 'noSuchThing', rule: undefined, reverse: false };
    const refused = await svc.request(people, [encodeSortRequest([unknown], true)]);
    expect([refused.length, codeOf(refused)]).toEqual([1, 12]);
    expect(decodeSortResult(controlValue(refused, controlOid.sortResponse))).toEqual({
      code: 16,
      attribute: 'noSuchThing',
    });
    const unsorted = await svc.request(people, [encodeSortRequest([unknown], false)]);
    expect([unsorted.length > 10, codeOf(unsorted)]).toEqual([true, 0]);
    const rule = await svc.request(people, [sorted('cn', false, '1.2.3.4')]);
    expect([codeOf(rule), decodeSortResult(controlValue(rule, controlOid.sortResponse)).code]).toEqual([12, 18]);
  });

  test('ldap 83: pages of a sorted result hold every entry once and in order', async () => {
    const whole = namesOf(await svc.request(people, [sorted('cn', true)]));
    const paged: string[] = [];
    let cookie: Buffer = noCookie;
    do {
      const page = await svc.request(people, [encodePagedResults({ size: 3, cookie }, true), sorted('cn', true)]);
      expect(page.length).toBeLessThanOrEqual(4);
      paged.push(...namesOf(page));
      cookie = decodePagedResults(controlValue(page, controlOid.pagedResults)).cookie;
    } while (cookie.length > 0);
    expect(paged).toEqual(whole);
  });

  test('ldap 83: a cookie is good once, on its connection, for its request; size 0 gives it back', async () => {
    const page = (at: WireClient, cookie: Buffer, size = 2, request = people) =>
      at.request(request, [encodePagedResults({ size, cookie }, true)]);
    const cookieOf = async () =>
      decodePagedResults(controlValue(await page(svc, noCookie), controlOid.pagedResults)).cookie;
    using other = await WireClient.plain(fixture.port);
    await other.bind(dnOf('svc', base), password);
    expect(codeOf(await page(other, await cookieOf()))).toBe(53);
    expect(codeOf(await page(svc, await cookieOf(), 2, searchRequest(base, '(cn=*)')))).toBe(53);
    const spent = await cookieOf();
    expect(codeOf(await page(svc, spent))).toBe(0);
    expect(codeOf(await page(svc, spent))).toBe(53);
    const ended = await page(svc, await cookieOf(), 0);
    expect([ended.length, codeOf(ended)]).toEqual([1, 0]);
    expect(decodePagedResults(controlValue(ended, controlOid.pagedResults)).cookie.length).toBe(0);
  });

  test('ldap 83: the size limit counts over all pages', async () => {
    const limited = { ...people, sizeLimit: 5 };
    const first = await svc.request(limited, [encodePagedResults({ size: 3, cookie: noCookie }, true)]);
    const { cookie } = decodePagedResults(controlValue(first, controlOid.pagedResults));
    const second = await svc.request(limited, [encodePagedResults({ size: 3, cookie }, true)]);
    expect([first.length, second.length, codeOf(second)]).toEqual([4, 3, 4]);
  });

  test('ldap 83: a refresh between two pages neither doubles nor loses an entry', async () => {
    const whole = namesOf(await svc.request(people));
    const first = await svc.request(people, [encodePagedResults({ size: 4, cookie: noCookie }, true)]);
    const made = await fixture.core.call<{ pk: number }>('POST', '/core/users/', { username: 'aaron', name: 'Aaron' });
    await fixture.refresh();
    const { cookie } = decodePagedResults(controlValue(first, controlOid.pagedResults));
    const rest = await svc.request(people, [encodePagedResults({ size: 1000, cookie }, true)]);
    expect([...namesOf(first), ...namesOf(rest)]).toEqual(whole);
    await fixture.core.call('DELETE', `/core/users/${made.pk}/`);
    await fixture.refresh();
  });

  describe('list views', () => {
    const view = (before: number, after: number, target: ListTarget, contextId?: Buffer) =>
      encodeListViewRequest({ before, after, target, contextId }, true);
    const offset = (at: number, contentCount = 0): ListTarget => ({ kind: 'offset', offset: at, contentCount });

    test('ldap 16.2: a window by position, and the next one by its context', async () => {
      const whole = namesOf(await svc.request(people, [sorted('cn')]));
      const first = await svc.request(people, [sorted('cn'), view(0, 2, offset(1))]);
      expect(namesOf(first)).toEqual(whole.slice(0, 3));
      const { position, contentCount, code, contextId } = decodeListViewResult(
        controlValue(first, controlOid.vlvResponse),
      );
      expect([position, contentCount, code]).toEqual([1, whole.length, 0]);
      const next = await svc.request(people, [sorted('cn'), view(1, 1, offset(5, whole.length), contextId)]);
      expect(namesOf(next)).toEqual(whole.slice(3, 6));
      const last = await svc.request(people, [sorted('cn'), view(1, 5, offset(100, 100))]);
      expect(namesOf(last)).toEqual(whole.slice(-2));
    });

    test('ldap 16.2: a window by value', async () => {
      const whole = namesOf(await svc.request(people, [sorted('cn')]));
      const at = whole.indexOf('jane');
      const found = await svc.request(people, [sorted('cn'), view(1, 1, { kind: 'value', value: Buffer.from('JAN') })]);
      expect(namesOf(found)).toEqual(whole.slice(at - 1, at + 2));
      const behind = await svc.request(people, [
        sorted('cn'),
        view(1, 1, { kind: 'value', value: Buffer.from('zzz') }),
      ]);
      expect(namesOf(behind)).toEqual(whole.slice(-1));
    });

    test('ldap 16.2: no order is 60, an offset of 0 is 61, with paging 53', async () => {
      expect(await svc.code(people, [view(0, 1, offset(1))])).toBe(60);
      expect(await svc.code(people, [sorted('cn'), view(0, 1, offset(0))])).toBe(61);
      const paged = encodePagedResults({ size: 2, cookie: noCookie }, true);
      expect(await svc.code(people, [sorted('cn'), view(0, 1, offset(1)), paged])).toBe(53);
    });
  });

  test('ldap 16.2: an assertion about the base decides whether a search or comparison runs', async () => {
    const own = searchRequest(dnOf('jdoe', base), '(objectClass=*)', { scope: 'baseObject' });
    const holds = encodeAssertion(parseFilter('(&(cn=jdoe)(ak-active=TRUE))'), true);
    const fails = encodeAssertion(parseFilter('(cn=somebody else)'), true);
    expect([await svc.code(own, [holds]), await svc.code(own, [fails])]).toEqual([0, 122]);
    const compare = {
      op: 'compareRequest',
      entry: dnOf('jdoe', base),
      attribute: 'cn',
      value: Buffer.from('jdoe'),
    } as const;
    expect([await svc.code(compare, [holds]), await svc.code(compare, [fails])]).toEqual([6, 122]);
  });

  test('ldap 16.2: only values that match come back', async () => {
    const own = searchRequest(dnOf('jdoe', base), '(objectClass=*)', {
      scope: 'baseObject',
      attributes: ['memberOf', 'cn'],
    });
    const found = await svc.request(own, [
      encodeMatchedValues([
        { kind: 'equalityMatch', attribute: 'memberOf', value: Buffer.from(`CN=devs, ou=groups,${base}`) },
      ]),
    ]);
    expect(valuesIn(found, 'memberOf')).toEqual([`cn=devs,ou=groups,${base}`]);
    expect(valuesIn(found, 'cn')).toEqual([]);
  });

  test('ldap 16.2: ManageDsaIT, domain scope and password policy change nothing', async () => {
    const plain = namesOf(await svc.request(people));
    for (const type of [controlOid.manageDsaIT, controlOid.domainScope])
      expect(namesOf(await svc.request(people, [control(type, true)]))).toEqual(plain);
    using other = await WireClient.plain(fixture.port);
    const bind = {
      op: 'bindRequest',
      version: 3,
      name: dnOf('jdoe', base),
      authentication: { kind: 'simple', password: Buffer.from(password) },
    } as const;
    expect(await other.code(bind, [control(controlOid.passwordPolicy, true)])).toBe(0);
  });

  test('ldap 16.2: subentries only are none, and no subentries is everything', async () => {
    const flag = (value: number) => control(controlOid.subentries, true, Buffer.from([1, 1, value]));
    expect(namesOf(await svc.request(people, [flag(0xff)]))).toEqual([]);
    expect(namesOf(await svc.request(people, [flag(0)])).length).toBeGreaterThan(10);
  });

  test('RFC 4370: nobody acts for another identity, critical or not; for oneself is fine', async () => {
    const proxied = (authzId: string, critical = true) =>
      control(controlOid.proxiedAuthorization, critical, Buffer.from(authzId));
    expect(await svc.code(people, [proxied(`dn:${dnOf('jdoe', base)}`)])).toBe(123);
    expect(await svc.code(people, [proxied('u:jdoe', false)])).toBe(123);
    expect(await svc.code(people, [proxied('')])).toBe(123);
    expect(await svc.code(people, [proxied(`dn:${dnOf('svc', base)}`)])).toBe(0);
  });

  test('RFC 3829: the bind answers with its identity when asked', async () => {
    using other = await WireClient.plain(fixture.port);
    const bind = {
      op: 'bindRequest',
      version: 3,
      name: dnOf('jdoe', base).toUpperCase(),
      authentication: { kind: 'simple', password: Buffer.from(password) },
    } as const;
    const answers = await other.request(bind, [control(controlOid.authorizationIdentityRequest, true)]);
    expect(controlValue(answers, controlOid.authorizationIdentityResponse).toString()).toBe(`dn:${dnOf('jdoe', base)}`);
  });

  test('ldap 84: unknown critical controls are 12 for every operation, before it does anything', async () => {
    const unknown = control('1.2.3.4', true);
    using other = await WireClient.plain(fixture.port);
    const logins = () => fixture.gate.calls.filter(({ path }) => path.includes('/default-authentication-flow/')).length;
    const before = logins();
    const bind = {
      op: 'bindRequest',
      version: 3,
      name: dnOf('jdoe', base),
      authentication: { kind: 'simple', password: Buffer.from('never sent') },
    } as const;
    expect(await other.code(bind, [unknown])).toBe(12);
    expect(logins()).toBe(before);
    expect(
      await svc.code({ op: 'compareRequest', entry: dnOf('jdoe', base), attribute: 'cn', value: Buffer.from('x') }, [
        unknown,
      ]),
    ).toBe(12);
    expect(await svc.code({ op: 'delRequest', entry: dnOf('jdoe', base) }, [unknown])).toBe(12);
    expect(
      await svc.code({ op: 'extendedRequest', name: '1.3.6.1.4.1.4203.1.11.3', value: undefined }, [unknown]),
    ).toBe(12);
    expect(await svc.code(people, [control(controlOid.authorizationIdentityRequest, true)])).toBe(12);
  });

  test('ldap 16.2: a control whose value is broken is a protocol error, and the connection goes on', async () => {
    for (const type of [
      controlOid.pagedResults,
      controlOid.sortRequest,
      controlOid.assertion,
      controlOid.matchedValues,
    ])
      for (const value of [undefined, Buffer.alloc(0), Buffer.from('30020205', 'hex'), Buffer.from('garbage')])
        expect(await svc.code(people, [control(type, true, value)])).toBe(2);
    expect(namesOf(await svc.request(people)).length).toBeGreaterThan(10);
  });
});
