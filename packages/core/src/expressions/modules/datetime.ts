// A small selection of `datetime`: moments in UTC, lengths of time, and what compares them.
import { Raised } from '../faults.ts';
import { RecordObject } from '../host/record.ts';
import { optional, textAt } from '../run/parameters.ts';
import { type Call, Float, HostObject, Native, numberOf, type Value } from '../run/values.ts';

const dayMs = 86_400_000;
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = 'January February March April May June July August September October November December'.split(' ');

/** A point in time as an expression sees it. */
export function moment(at: Date): Value {
  return new Moment(at);
}

class Moment extends HostObject {
  readonly typeName = 'datetime';
  readonly at: Date;
  constructor(at: Date) {
    super();
    if (Number.isNaN(at.getTime())) throw new Raised('ValueError', 'there is no such moment');
    this.at = at;
  }

  get(name: string): Value | undefined {
    const { at } = this;
    const parts: Readonly<Record<string, number>> = {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
      microsecond: at.getUTCMilliseconds() * 1000,
    };
    if (Object.hasOwn(parts, name)) return parts[name] ?? 0;
    const calls: Readonly<Record<string, () => Value>> = {
      weekday: () => (at.getUTCDay() + 6) % 7,
      isoweekday: () => ((at.getUTCDay() + 6) % 7) + 1,
      isoformat: () => this.text().replace(' ', 'T'),
      timestamp: () => new Float(at.getTime() / 1000),
      date: () => new Moment(new Date(Math.floor(at.getTime() / dayMs) * dayMs)),
    };
    if (Object.hasOwn(calls, name)) return new Native(name, () => calls[name]?.() ?? null);
    if (name === 'strftime') return new Native(name, (call) => format(at, textAt(call, 0, 'format')));
    return undefined;
  }

  override operate(operator: string, other: Value, reflected: boolean): Value | undefined {
    if (other instanceof Duration && (operator === '+' || (operator === '-' && !reflected)))
      return new Moment(new Date(this.at.getTime() + (operator === '+' ? other.ms : -other.ms)));
    if (operator === '-' && other instanceof Moment) return new Duration(this.at.getTime() - other.at.getTime());
    return undefined;
  }
  override compareTo(other: HostObject): number | undefined {
    return other instanceof Moment ? this.at.getTime() - other.at.getTime() : undefined;
  }
  override identity(): string {
    return `moment ${this.at.getTime()}`;
  }
  override text(): string {
    const micros =
      this.at.getUTCMilliseconds() === 0 ? '' : `.${String(this.at.getUTCMilliseconds()).padStart(3, '0')}000`;
    return `${this.at.toISOString().slice(0, 19).replace('T', ' ')}${micros}+00:00`;
  }
  override format(spec: string): string | undefined {
    return spec.includes('%') ? format(this.at, spec) : undefined;
  }
}

function format(at: Date, pattern: string): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const hours12 = at.getUTCHours() % 12 === 0 ? 12 : at.getUTCHours() % 12;
  const parts: Readonly<Record<string, string>> = {
    Y: String(at.getUTCFullYear()),
    y: two(at.getUTCFullYear() % 100),
    m: two(at.getUTCMonth() + 1),
    d: two(at.getUTCDate()),
    H: two(at.getUTCHours()),
    I: two(hours12),
    M: two(at.getUTCMinutes()),
    S: two(at.getUTCSeconds()),
    p: at.getUTCHours() < 12 ? 'AM' : 'PM',
    A: days[at.getUTCDay()] ?? '',
    a: (days[at.getUTCDay()] ?? '').slice(0, 3),
    B: months[at.getUTCMonth()] ?? '',
    b: (months[at.getUTCMonth()] ?? '').slice(0, 3),
    f: `${String(at.getUTCMilliseconds()).padStart(3, '0')}000`,
    z: '+0000',
    Z: 'UTC',
    '%': '%',
  };
  return pattern.replace(/%([a-zA-Z%])/g, (whole, part: string) => parts[part] ?? whole);
}

class Duration extends HostObject {
  readonly typeName = 'timedelta';
  readonly ms: number;
  constructor(ms: number) {
    super();
    this.ms = ms;
  }
  get(name: string): Value | undefined {
    if (name === 'days') return Math.floor(this.ms / dayMs);
    if (name === 'seconds') return Math.floor((this.ms - Math.floor(this.ms / dayMs) * dayMs) / 1000);
    return name === 'total_seconds' ? new Native(name, () => new Float(this.ms / 1000)) : undefined;
  }
  override operate(operator: string, other: Value, reflected: boolean): Value | undefined {
    const factor = numberOf(other);
    if (operator === '*' && factor !== undefined) return new Duration(this.ms * factor);
    if (!(other instanceof Duration)) return undefined;
    if (operator === '+') return new Duration(this.ms + other.ms);
    return operator === '-' ? new Duration(reflected ? other.ms - this.ms : this.ms - other.ms) : undefined;
  }
  override compareTo(other: HostObject): number | undefined {
    return other instanceof Duration ? this.ms - other.ms : undefined;
  }
  override identity(): string {
    return `duration ${this.ms}`;
  }
  override isTrue(): boolean {
    return this.ms !== 0;
  }
  override text(): string {
    const whole = Math.floor(this.ms / dayMs);
    const clock = new Date(this.ms - whole * dayMs).toISOString().slice(11, 19).replace(/^0/, '');
    return whole === 0 ? clock : `${whole} day${Math.abs(whole) === 1 ? '' : 's'}, ${clock}`;
  }
}

const unitsMs: readonly (readonly [string, number])[] = [
  ['days', dayMs],
  ['seconds', 1000],
  ['microseconds', 0.001],
  ['milliseconds', 1],
  ['minutes', 60_000],
  ['hours', 3_600_000],
  ['weeks', 7 * dayMs],
];

function toDuration(call: Call): Value {
  const total = unitsMs.reduce((sum, [name, ms], at) => sum + (numberOf(optional(call, at, name) ?? 0) ?? 0) * ms, 0);
  return new Duration(total);
}

function toMoment(call: Call): Value {
  const names = ['year', 'month', 'day', 'hour', 'minute', 'second'];
  const [year = 1970, month = 1, day = 1, ...clock] = names.map((name, at) => {
    const value = optional(call, at, name);
    return value === undefined ? undefined : numberOf(value);
  });
  return new Moment(new Date(Date.UTC(year, month - 1, day, clock[0] ?? 0, clock[1] ?? 0, clock[2] ?? 0)));
}

function fromText(call: Call): Value {
  const text = textAt(call, 0, 'date_string').replace(' ', 'T');
  return new Moment(new Date(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) || text.length <= 10 ? text : `${text}Z`));
}

/** `datetime` as a module; its clock is the core's. */
export function datetimeModule(now: () => number): RecordObject {
  const current = new Native('now', () => new Moment(new Date(now())));
  const fromTimestamp = new Native(
    'fromtimestamp',
    ({ args: [at = 0] }) => new Moment(new Date((numberOf(at) ?? Number.NaN) * 1000)),
  );
  const datetime = new RecordObject('type', {
    __call__: new Native('datetime', toMoment),
    __instances__: 'datetime',
    now: current,
    utcnow: current,
    today: current,
    fromisoformat: new Native('fromisoformat', fromText),
    fromtimestamp: fromTimestamp,
  });
  const timedelta = new RecordObject('type', {
    __call__: new Native('timedelta', toDuration),
    __instances__: 'timedelta',
  });
  const utc = new RecordObject('timezone', {}, { text: 'UTC' });
  return new RecordObject('module', {
    datetime,
    date: datetime,
    timedelta,
    timezone: new RecordObject('type', { utc }),
    UTC: utc,
  });
}

/** `django.utils.timezone`: the one call that expressions make. */
export function timezoneModule(now: () => number): RecordObject {
  return new RecordObject('module', { now: new Native('now', () => new Moment(new Date(now()))) });
}
