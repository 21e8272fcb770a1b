// Delivers a notification by one transport (core.md §20.2): a row for the user, a webhook, or a mail.
import { type Selectable, sql } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { CoreDeps } from '../../deps.ts';
import { UserObject } from '../../expressions/host/identity.ts';
import { RecordObject } from '../../expressions/host/record.ts';
import { Converter, toPlain } from '../../expressions/run/convert.ts';
import { isSuperuser, type UserRecord } from '../../identity/users.ts';
import { type Post, queueMail } from '../../mail/send.ts';
import { loadMappings, runMapping } from '../../mappings/run.ts';
import { isMapping } from '../../models/merge.ts';
import { announceNotification } from './client-channel.ts';
import { type Message, textsOf } from './message.ts';
import { postJson } from './webhook.ts';

export interface Delivery {
  readonly deps: CoreDeps;
  readonly post: Post;
  readonly signal: AbortSignal;
  readonly transport: Selectable<Tables['notification_transports']>;
  readonly message: Message;
  readonly recipient: UserRecord;
}

/** @returns what happened, line by line. @throws Error for a transport that fails */
export function deliver(delivery: Delivery): Promise<readonly string[]> {
  const mode = String(delivery.transport.settings['mode'] ?? 'local');
  const by = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (by === undefined) throw new Error(`There is no transport of the mode ${mode}.`);
  return by(delivery);
}

const modes: Readonly<Record<string, (delivery: Delivery) => Promise<readonly string[]>>> = {
  local: storeRow,
  webhook: sendWebhook,
  webhook_slack: sendSlack,
  email: sendMail,
};

/** One row for an event and a user, however often the task runs. */
async function storeRow({ deps, message, recipient }: Delivery): Promise<readonly string[]> {
  const event = message.event?.uuid ?? null;
  const { rows } = await sql<{
    uuid: string;
  }>`insert into notifications (user_id, event, severity, body, hyperlink, hyperlink_label, created)
    select ${recipient.id}, ${event}::uuid, ${message.severity}, ${message.body}, ${message.hyperlink},
      ${message.hyperlinkLabel}, ${new Date(deps.clock.now())}
    where not exists (select 1 from notifications where user_id = ${recipient.id} and event = ${event}::uuid)
    returning uuid`.execute(deps.database.kysely);
  for (const { uuid } of rows) await announceNotification(deps.database, recipient.id, uuid);
  return [`Shown to ${recipient.username}.`];
}

async function sendWebhook(delivery: Delivery): Promise<readonly string[]> {
  const { message, recipient, transport } = delivery;
  const { user } = message.event ?? {};
  const plain = {
    body: message.body,
    severity: message.severity,
    user_email: recipient.email,
    user_username: recipient.username,
    ...(user === undefined
      ? {}
      : { event_user_email: user['email'] ?? '', event_user_username: user['username'] ?? '' }),
  };
  const body = (await mapped(delivery, transport.settings['webhook_mapping_body'])) ?? plain;
  return send(delivery, body);
}

const slackFields = 25;

async function sendSlack(delivery: Delivery): Promise<readonly string[]> {
  const { deps, message, recipient } = delivery;
  const { event } = message;
  const field = (title: string, value: string) => ({
    title: title.slice(0, 256),
    value: value.slice(0, 1024),
    short: true,
  });
  const fields = [
    field('Severity', message.severity),
    field('Dispatched for user', recipient.username),
    ...(event === undefined ? [] : [field('Event user', String(event.user['username'] ?? ''))]),
    ...textsOf(message).map(([name, value]) => field(name, value)),
  ].slice(0, slackFields);
  const attachment = {
    author_name: 'gatehouse',
    color: '#fd4b2d',
    title: event?.action ?? message.body,
    fields,
    footer: `gatehouse ${deps.version}`,
  };
  return send(delivery, { username: 'gatehouse', attachments: [attachment] });
}

async function send(delivery: Delivery, body: unknown): Promise<readonly string[]> {
  const { deps, signal, transport } = delivery;
  const { webhook_url: url, webhook_ca: authority, webhook_mapping_headers: mapping } = transport.settings;
  const headers = await mapped(delivery, mapping);
  const status = await postJson(String(url ?? ''), {
    body,
    signal,
    headers: isMapping(headers)
      ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
      : {},
    authority: typeof authority === 'string' ? await certificateOf(deps, authority) : undefined,
  });
  return [`The webhook answered ${status}.`];
}

async function certificateOf({ database }: CoreDeps, uuid: string): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('certificates')
    .select('certificate_data')
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  return row?.certificate_data;
}

/** What a mapping makes of the notification. @throws Error if it fails: nobody gets half a message */
async function mapped({ deps, message, recipient }: Delivery, key: unknown): Promise<unknown> {
  if (typeof key !== 'string' || key === '') return undefined;
  const [mapping] = await loadMappings(deps, [key]);
  if (mapping === undefined) return undefined;
  const { event, ...shown } = message;
  const converter = new Converter();
  const user = new UserObject(deps, recipient);
  const notification = new RecordObject('Notification', {
    body: shown.body,
    severity: shown.severity,
    hyperlink: shown.hyperlink,
    hyperlink_label: shown.hyperlinkLabel,
    user,
    event:
      event === undefined
        ? null
        : new RecordObject('Event', {
            pk: event.uuid,
            action: event.action,
            app: event.app,
            client_ip: event.client_ip,
            context: converter.toValue(event.context),
            user: converter.toValue(event.user),
            brand: converter.toValue(event.brand),
            created: event.created.toISOString(),
          }),
  });
  const result = await runMapping(deps, mapping, { user: recipient, names: { notification } });
  if ('error' in result) throw new Error(`The mapping ${mapping.name} failed: ${result.error}`);
  return toPlain(result.value);
}

const longestSubject = 75;

/** The mail itself is another task, with retries of its own and one Message-ID for all of them. */
async function sendMail({ deps, transport, message, recipient }: Delivery): Promise<readonly string[]> {
  if (recipient.email.trim() === '') return [`${recipient.username} has no e-mail address.`];
  const { settings, name } = transport;
  const { event } = message;
  const title = event?.action ?? message.body.slice(0, longestSubject);
  const messageId = await queueMail(deps.database.kysely, {
    to: [recipient.email],
    subject: `${String(settings['email_subject_prefix'] ?? 'authentik Notification: ')}${title}`,
    template: String(settings['email_template'] ?? 'email/event_notification.html'),
    quiet: true,
    values: {
      title,
      body: message.body,
      key_value: [
        { key: 'recipient', value: recipient.username },
        ...(event === undefined ? [] : [{ key: 'event user', value: String(event.user['username'] ?? '') }]),
        ...textsOf(message).map(([key, value]) => ({ key, value })),
      ],
      ...(message.hyperlink === null
        ? {}
        : { link: { target: message.hyperlink, label: message.hyperlinkLabel ?? message.hyperlink } }),
      ...((await isSuperuser(deps, recipient.id)) ? { source: { from: name } } : {}),
    },
  });
  return [`Mail ${messageId} to ${recipient.email} is queued.`];
}
