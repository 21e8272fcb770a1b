import { expect, test } from 'vitest';
import { controlOf, readText, textOf } from './control.ts';

test('a field gets the control of its schema, the plainest for texts', () => {
  const kind = (name: string, property: object) => controlOf(name, property).kind;
  expect(kind('enabled', { type: 'boolean' })).toBe('switch');
  expect(kind('order', { type: 'integer' })).toBe('integer');
  expect(kind('mode', { type: 'string', enum: ['direct', 'cached'] })).toBe('choice');
  expect(kind('user_fields', { type: 'array', items: { type: 'string', enum: ['email'] } })).toBe('choices');
  expect(kind('email', { anyOf: [{ type: 'string', enum: [''] }, { type: 'string' }] })).toBe('line');
  expect(
    kind('digits', {
      anyOf: [
        { type: 'string', enum: ['6', '8'] },
        { type: 'number', enum: [6] },
      ],
    }),
  ).toBe('choice');
  expect(kind('expression', { type: 'string' })).toBe('lines');
  expect(kind('attributes', { type: 'object' })).toBe('json');
  expect(kind('cookie_secret', { type: 'string', writeOnly: true })).toBe('secret');
  expect(controlOf('users', { type: 'array', 'x-reference': '/core/users/' })).toEqual({
    kind: 'rows',
    path: '/core/users/',
    many: true,
  });
});

test('texts come back as the values they stand for, or say why not', () => {
  const integer = controlOf('order', { type: 'integer' });
  expect(readText(integer, ' 10 ', {})).toBe(10);
  expect(readText(integer, '', { nullable: true })).toBeNull();
  expect(() => readText(integer, '1.5', {})).toThrow('whole number');
  expect(() => readText(integer, '', {})).toThrow('whole number');
  const json = controlOf('attributes', { type: 'object' });
  expect(readText(json, textOf(json, { a: [1, null] }), {})).toEqual({ a: [1, null] });
  expect(() => readText(json, '{', {})).toThrow('valid JSON');
  const line = controlOf('app', { type: 'string', nullable: true });
  expect([readText(line, '', { nullable: true }), readText(line, '', {})]).toEqual([null, '']);
  const redirects = controlOf('redirect_uris', { type: 'array' });
  const uris = [
    { matching_mode: 'strict', redirect_uri_type: 'authorization', url: 'https://a.example/' },
    { matching_mode: 'regex', redirect_uri_type: 'logout', url: 'https://.*' },
  ];
  expect(textOf(redirects, uris)).toBe('https://a.example/\nlogout regex https://.*');
  expect(readText(redirects, textOf(redirects, uris), {})).toEqual(uris);
  expect(() => readText(redirects, 'post https://a.example/', {})).toThrow('"post"');
});
