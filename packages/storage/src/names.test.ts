import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asFileName, parseFieldValue, parseFileName } from './names.ts';
import { themedValues } from './themes.ts';

const accepted = [
  'test.png',
  'images/test.png',
  'd1/d2/d3/t.png',
  'test-file_name.v2.png',
  'logo-%(theme)s.png',
  '%(theme)s/logo-%(theme)s.svg',
  'a..b',
];
const rejected = [
  '',
  ' ',
  ' a.png',
  'a.png ',
  'a b.png',
  'a//b',
  '/abs/x.png',
  '../x',
  'a/../x',
  '.hidden',
  'test%(theme.png',
  'test%(THEME)s.png',
  'test%()s.png',
  'ü.png',
  ...'@#$&*()[]{}%~\\:;\'"+='.split('').map((one) => `a${one}b`),
];

describe('file names', () => {
  for (const name of accepted)
    test(`files F15: ${JSON.stringify(name)} is accepted`, () => expect(parseFileName(name)).toBe(name));
  for (const name of rejected) {
    test(`files F16: ${JSON.stringify(name)} is rejected`, () => {
      expect(() => parseFileName(name)).toThrow(expect.objectContaining({ code: 'ERR_STORAGE_INVALID_NAME' }));
    });
  }
  for (const name of ['a.png\n', 'dir/', './a.png', 'a/./b', 'a/.hidden']) {
    test(`files F18: ${JSON.stringify(name)} is rejected`, () => expect(asFileName(name)).toBeUndefined());
  }

  test('files F17: 1024 characters and segments of 255 pass, one more does not', () => {
    const path = (length: number) => `${'a'.repeat(200)}/`.repeat(5).slice(0, 1005) + 'b'.repeat(length - 1005);
    expect(asFileName(path(1024))).toHaveLength(1024);
    expect(asFileName(path(1025))).toBeUndefined();
    expect(asFileName('a'.repeat(255))).toHaveLength(255);
    expect(asFileName('a'.repeat(256))).toBeUndefined();
  });

  test('whatever passes stays below its folder', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '.', '/', '-', '%(theme)s', '\\', '\n', ' ', '%2e') }),
        (text) => {
          const name = asFileName(text);
          if (name === undefined) return;
          const url = new URL(`http://h/base/${name}`);
          expect(url.pathname.startsWith('/base/')).toBe(true);
          expect(name.split('/').every((segment) => segment !== '' && !segment.startsWith('.'))).toBe(true);
        },
      ),
    );
  });
});

describe('field values', () => {
  for (const value of [
    'https://cdn.e.com/l%20o.svg?x=1',
    '/static/dist/assets/icons/icon.png',
    'fa://fa-user',
    'HTTP://e.com/x',
    'plain.png',
  ]) {
    test(`files F19: ${value} is accepted`, () => expect(parseFieldValue(value)).toBe(value));
  }
  for (const value of [
    'ftp://x/y',
    'data:image/png;base64,AA',
    'file:///x',
    'http:javascript',
    '/static/../x',
    '/staticfoo',
    'https://u:p@e.com/',
    'fa://<b>',
    'https://',
  ]) {
    test(`files F19 and §6.2: ${value} is rejected`, () => expect(() => parseFieldValue(value)).toThrow(/not usable/));
  }
});

test('files F21: the theme is put into every place of the value', () => {
  expect(themedValues('logo.png')).toBeUndefined();
  expect(themedValues('%(theme)s/logo-%(theme)s.svg')).toEqual({
    light: 'light/logo-light.svg',
    dark: 'dark/logo-dark.svg',
  });
});
