// What is read of the core's attributes is read once for each text and secret, and what is hidden for one request never serves another.
import {
  type Attribute,
  createPacketKey,
  encodePacket,
  hideSalted,
  type PacketKey,
  revealSalted,
} from '@gatehouse/wire/radius';
import { expect, test } from 'vitest';
import { createAttributeReader } from './core-attributes.ts';

const core = Buffer.alloc(16, 3);
const [near, far] = [createPacketKey('testing123'), createPacketKey('another')];
const textOf = (...attributes: Attribute[]) =>
  encodePacket({ code: 1, identifier: 7, authenticator: core, attributes }).toString('base64');
const message = (text: string) => ({ type: 18, value: Buffer.from(text) });
const valuesOf = (read: ReturnType<ReturnType<typeof createAttributeReader>>) =>
  read.kind === 'attributes' ? read.attributes.map(({ value }) => value.toString()) : [read.reason];

test('each text has its own attributes, however many there are and in whatever order they come', () => {
  const read = createAttributeReader();
  const texts = Array.from({ length: 2_500 }, (_, at) => textOf(message(`user ${at}`)));
  for (let round = 0; round < 3; round++)
    for (const [at, text] of texts.entries())
      expect(valuesOf(read(text, Buffer.alloc(16, round), near))).toEqual([`user ${at}`]);
  expect(read(texts[2_499] ?? '', core, near)).toBe(read(texts[2_499] ?? '', Buffer.alloc(16, 9), near));
});

test('a hidden value is hidden anew for each request and each secret', () => {
  const read = createAttributeReader();
  const hidden = (key: PacketKey) => hideSalted(Buffer.from('secret'), Buffer.of(0x80, 1), core, key);
  for (const [request, key] of [
    [Buffer.alloc(16, 1), near],
    [Buffer.alloc(16, 2), near],
    [Buffer.alloc(16, 1), far],
  ] as const) {
    const found = read(textOf({ type: 69, value: Buffer.concat([Buffer.of(1), hidden(key)]) }), request, key);
    const value = found.kind === 'attributes' ? found.attributes[0]?.value : undefined;
    expect(revealSalted(value?.subarray(1) ?? Buffer.alloc(0), request, key).toString()).toBe('secret');
  }
});
