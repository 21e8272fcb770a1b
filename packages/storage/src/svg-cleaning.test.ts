import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { cleanSvg } from './svg-cleaning.ts';

const svg = (inner: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"${attributes}>${inner}</svg>`;
const cleaned = (text: string) => cleanSvg('x.svg', Buffer.from(text)).toString('utf8');

test('a plain drawing keeps its shapes, gradients, text and inner references', () => {
  const text = svg(
    '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs><path d="M0 0h8" fill="url(#g)"/><text x="1">a &lt; b</text><use href="#g"/>',
  );
  for (const part of ['linearGradient', 'fill="url(#g)"', 'a &lt; b', 'href="#g"', 'viewBox="0 0 8 8"'])
    expect(cleaned(text)).toContain(part);
});

const active: readonly [string, string][] = [
  ['script', svg('<script>alert(1)</script>')],
  ['namespaced script', svg('<svg:script xmlns:svg="http://www.w3.org/2000/svg">alert(1)</svg:script>')],
  ['event handler', svg('<rect onload="alert(1)"/>', ' onload="alert(1)"')],
  [
    'foreignObject',
    svg(
      '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(1)"/></body></foreignObject>',
    ),
  ],
  ['javascript link', svg('<a href="javascript:alert(1)"><text>x</text></a>')],
  ['entity-hidden link', svg('<use href="&#106;avascript:alert(1)"/>')],
  ['external use', svg('<use xlink:href="https://evil.example/alert.svg#x"/>')],
  ['external image', svg('<image href="https://evil.example/alert.png"/>')],
  ['SVG inside an image', svg('<image href="data:image/svg+xml;base64,alert"/>')],
  ['animated href', svg('<a><animate attributeName="href" values="javascript:alert(1)"/></a>')],
  ['style import', svg('<style>@import url(https://evil.example/alert.css)</style>')],
  ['style attribute with a URL', svg('<rect style="fill:url(https://evil.example/alert)"/>')],
  ['processing instruction', `<?xml version="1.0"?><?xml-stylesheet href="https://evil.example/alert.css"?>${svg('')}`],
];
for (const [what, text] of active) {
  test(`what runs or reaches out is dropped: ${what}`, () => {
    expect(cleaned(text)).not.toMatch(/alert|evil|javascript|onload|onerror/);
  });
}

/** Ten levels of ten: 10,000,000,000 elements when drawn, 4 KB on the wire. */
function multiplied(reference: (id: string) => string): string {
  const levels = Array.from({ length: 10 }, (_, at) => `<g id="a${at + 1}">${reference(`a${at}`).repeat(10)}</g>`);
  return `<defs><g id="a0"><path d="M0 0"/></g>${levels.join('')}</defs><use href="#a10"/>`;
}

const refused: readonly [string, string][] = [
  [
    'document type with entities (billion laughs)',
    `<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${svg('&b;')}`,
  ],
  ['not well-formed', '<svg><rect></svg>'],
  ['HTML', '<html><body>x</body></html>'],
  ['two roots', `${svg('')}${svg('')}`],
  ['CDATA', svg('<text><![CDATA[<script>]]></text>')],
  ['deep nesting', svg('<g>'.repeat(70) + '</g>'.repeat(70))],
  ['too many elements', svg('<g/>'.repeat(50_001))],
  ['references that multiply', svg(multiplied((id) => `<use href="#${id}"/>`))],
  ['references that multiply, by the older name', svg(multiplied((id) => `<use xlink:href="#${id}"/>`))],
  ['patterns that multiply', svg(multiplied((id) => `<rect fill="url( '#${id}' )"/>`))],
  ['a compressed drawing', gzipSync(svg('<g/>'.repeat(1_000))).toString('latin1')],
];
for (const [what, text] of refused) {
  test(`refused: ${what}`, () => {
    expect(() => cleaned(text)).toThrow(expect.objectContaining({ code: 'ERR_STORAGE_TYPE_REJECTED' }));
  });
}

test('references that do not multiply stay, circles among them', () => {
  const text = svg(
    '<g id="a"><use href="#b"></use></g><g id="b"><use href="#a"></use><use href="#none"></use></g><use href="#a"></use>',
  );
  expect(cleaned(text)).toBe(text);
});

test('refused: bytes that are not UTF-8', () => {
  expect(() => cleanSvg('x.svg', Buffer.from([0x3c, 0x73, 0xff]))).toThrow(/UTF-8/);
});

test('cleaning twice changes nothing more', () => {
  for (const [, text] of active) expect(cleaned(cleaned(text))).toBe(cleaned(text));
});
