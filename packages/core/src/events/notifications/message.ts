// What a notification says of an event (core.md §20.1, "Summary line").
import type { Selectable } from 'kysely';
import type { Tables } from '../../database/tables.ts';

export type StoredEvent = Selectable<Tables['events']>;

export interface Message {
  /** `undefined` for a test of a transport without one. */
  readonly event: StoredEvent | undefined;
  readonly severity: string;
  readonly body: string;
  readonly hyperlink: string | null;
  readonly hyperlinkLabel: string | null;
}

export function messageOf(event: StoredEvent, severity: string): Message {
  const { context, action } = event;
  const text = (name: string) => (typeof context[name] === 'string' ? context[name] : null);
  return {
    event,
    severity,
    body: text('message') ?? `${action}: ${JSON.stringify(context)}`,
    hyperlink: text('hyperlink')?.slice(0, 4096) ?? null,
    hyperlinkLabel: text('hyperlink_label'),
  };
}

/** The event's values that are text, for tables in mails and messages. */
export function textsOf({ event }: Message): readonly (readonly [string, string])[] {
  return Object.entries(event?.context ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
}
