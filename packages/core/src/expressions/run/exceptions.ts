// Exceptions as values: their types can be called and caught, what they raise has a text.
import { Raised } from '../faults.ts';
import { str } from './text.ts';
import { HostObject, Native, Tuple, type Value } from './values.ts';

export class ExceptionType extends HostObject {
  readonly typeName = 'type';
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
  get(name: string): Value | undefined {
    if (name === '__name__') return this.name;
    if (name !== '__call__') return undefined;
    return new Native(this.name, ({ args }) => new ExceptionObject(new Raised(this.name, args.map(str).join(', '))));
  }
  override identity(): string {
    return `exception ${this.name}`;
  }
  override text(): string {
    return `<class '${this.name}'>`;
  }
}

export class ExceptionObject extends HostObject {
  readonly typeName: string;
  readonly raised: Raised;
  constructor(raised: Raised) {
    super();
    this.raised = raised;
    this.typeName = raised.type;
  }
  get(name: string): Value | undefined {
    return name === 'args' ? new Tuple([this.raised.message]) : undefined;
  }
  override text(): string {
    return this.raised.message;
  }
}
