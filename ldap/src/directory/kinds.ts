// Kinds of entries and references to them. A reference is one number: the kind in its upper bits, the row below, so that
// references in order are entries in the order in which they are sent.
import type { EntryKind } from './entry.ts';

export type Ref = number;
export const fixed = 0;
export const user = 1;
export const group = 2;
export const virtual = 3;
export type KindCode = typeof fixed | typeof user | typeof group | typeof virtual;

/** Kinds as a set of bits. */
export type Kinds = number;
export const allKinds: Kinds = 0b1111;
export const bitOf = (kind: KindCode): Kinds => 1 << kind;

const rowBits = 28;
const rowMask = 2 ** rowBits - 1;

export const refOf = (kind: KindCode, row: number): Ref => (kind << rowBits) | row;
export const kindOf = (ref: Ref): KindCode => (ref >>> rowBits) as KindCode; // made by refOf
export const rowOf = (ref: Ref): number => ref & rowMask;

export const kindNames: Readonly<Record<KindCode, EntryKind>> = {
  [fixed]: 'container',
  [user]: 'user',
  [group]: 'group',
  [virtual]: 'virtual group',
};
