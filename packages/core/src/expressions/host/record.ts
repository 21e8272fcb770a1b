// Objects that are no more than what they show: rows of brands, applications and providers, modules, settings.
import { HostObject, type Value } from '../run/values.ts';

export interface RecordOptions {
  /** Text for `str()`. */
  readonly text?: string;
  /** What it is stored as, and compared by. */
  readonly plain?: unknown;
}

export class RecordObject extends HostObject {
  readonly typeName: string;
  readonly #values: ReadonlyMap<string, Value | (() => Value | Promise<Value>)>;
  readonly #options: RecordOptions;

  constructor(
    typeName: string,
    values: Readonly<Record<string, Value | (() => Value | Promise<Value>)>>,
    options: RecordOptions = {},
  ) {
    super();
    this.typeName = typeName;
    this.#values = new Map(Object.entries(values));
    this.#options = options;
  }

  get(name: string): Value | Promise<Value> | undefined {
    const value = this.#values.get(name);
    return typeof value === 'function' ? value() : value;
  }

  override text(): string {
    return this.#options.text ?? `<${this.typeName}>`;
  }
  override identity(): string | undefined {
    return this.#options.plain === undefined ? undefined : `${this.typeName} ${JSON.stringify(this.#options.plain)}`;
  }
  override isStorable(): boolean {
    return this.#options.plain !== undefined;
  }
  override plain(): unknown {
    return this.#options.plain ?? this.text();
  }
}
