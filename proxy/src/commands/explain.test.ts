import { expect, test } from 'vitest';
import { applicationFromApi } from '../applications/application.ts';
import { createLookup } from '../applications/lookup.ts';
import { parseRules } from '../rules/rule-file.ts';
import { fakeIssuer } from '../testing/fake-issuer.ts';
import { explain } from './explain.ts';

const context = { hosts: { browser: '', configured: '' }, outpostName: 'o', version: 'v' };

test('explain says which provider, which rule, and why', async () => {
  await using issuer = await fakeIssuer();
  const lookup = createLookup(
    [
      issuer.row({ pk: 1, name: 'one', mode: 'forward_single', skip_path_regex: '^/public\n(' }),
      issuer.row({
        pk: 2,
        name: 'two',
        mode: 'forward_domain',
        external_host: 'https://auth.dev.org',
        cookie_domain: '.dev.org',
      }),
    ].map((row) => applicationFromApi(row, context)),
  );
  const open = explain(lookup, 'https://app.company/public/x');
  expect(open).toMatch(/^provider +one \(forward_single\), because the host is its external host$/m);
  expect(open).toMatch(/^without login +allowed by the line "\^\/public"$/m);
  expect(open).toMatch(/^warning +allow-list line "\("/m);
  expect(explain(lookup, 'https://app.company/public/../admin')).toMatch(/^path +\/admin\nwithout login +no/m);
  expect(explain(lookup, 'https://x.dev.org/')).toContain('because the host lies in its cookie domain');
  expect(explain(lookup, 'https://apps.company/')).toMatch(
    /No provider for apps\.company among 2.*Nearest: app\.company\./,
  );
  expect(explain(lookup, 'nonsense')).toContain('is no http or https URL');
});

test('explain says what a rule makes of somebody', async () => {
  await using issuer = await fakeIssuer();
  const rules = parseRules(`
abc:
  rules:
    - { name: ops, prefix: /admin, require: { groups_any: [admins, ops], max_age: 1h } }
    - { name: closed, prefix: /internal, action: deny }
    - { name: health, path: /healthz, action: skip }
`);
  const application = applicationFromApi(issuer.row({ name: 'one' }), context, rules.of(['abc']));
  const lookup = createLookup([application]);
  const as = (groups: readonly string[], path: string) =>
    explain(lookup, `https://app.company${path}`, { method: 'GET', user: 'alice', groups, entitlements: [] });
  expect(as(['ops'], '/admin')).toMatch(
    /^as alice +allowed by the rule "ops", while the login is at most 3600 s old$/m,
  );
  expect(as([], '/admin')).toMatch(/^as alice +403: the rule "ops" asks for a group of admins, ops$/m);
  expect(as([], '/internal')).toMatch(/^as alice +403: the rule "closed" denies it$/m);
  expect(as([], '/healthz')).toMatch(/^without login +allowed by the rule "health"$/m);
  expect(as([], '/')).toMatch(/^as alice +allowed by the login alone$/m);
});
