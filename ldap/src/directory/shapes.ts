// Which attribute types a record has, in order, and which of them without a value. Records alike share one object; a
// directory has a handful.
import type { AttributeType } from './attribute-types.ts';

export class Shape {
  readonly id: number;
  readonly types: readonly AttributeType[];
  /** Whether the attribute at this place has a value. */
  readonly filled: readonly boolean[];
  readonly #places = new Map<AttributeType, number>();
  readonly #longer = new Map<AttributeType, { filled?: Shape; empty?: Shape }>();
  readonly #register: (make: (id: number) => Shape) => Shape;

  constructor(
    id: number,
    types: readonly AttributeType[],
    filled: readonly boolean[],
    register: (make: (id: number) => Shape) => Shape,
  ) {
    this.id = id;
    this.types = types;
    this.filled = filled;
    this.#register = register;
    for (const [at, type] of types.entries()) this.#places.set(type, at);
  }

  /** -1 when it is not there. */
  placeOf(type: AttributeType): number {
    return this.#places.get(type) ?? -1;
  }

  /** With one more attribute behind. */
  with(type: AttributeType, isFilled: boolean): Shape {
    let known = this.#longer.get(type);
    if (known === undefined) {
      known = {};
      this.#longer.set(type, known);
    }
    const found = isFilled ? known.filled : known.empty;
    if (found !== undefined) return found;
    const made = this.#register(
      (id) => new Shape(id, [...this.types, type], [...this.filled, isFilled], this.#register),
    );
    if (isFilled) known.filled = made;
    else known.empty = made;
    return made;
  }
}

export class Shapes {
  readonly #all: Shape[] = [];
  readonly empty: Shape;

  constructor() {
    this.empty = this.#register((id) => new Shape(id, [], [], (make) => this.#register(make)));
  }

  at(id: number): Shape {
    return this.#all[id] ?? this.empty;
  }

  get all(): readonly Shape[] {
    return this.#all;
  }

  #register(make: (id: number) => Shape): Shape {
    const shape = make(this.#all.length);
    this.#all.push(shape);
    return shape;
  }
}
