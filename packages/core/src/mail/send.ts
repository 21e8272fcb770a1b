// Mails as tasks (core.md §20.3): rendered from the installation's template folder, else from the shipped one, sent with
// retries, and told as an event once they are out.
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { coreError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import type { Connection } from '../models/unit.ts';
import type { Actor } from '../tasks/actor.ts';
import { enqueue } from '../tasks/queue.ts';
import { type Mailer, readTemplate } from './mailer.ts';
import { renderTemplate, type Values } from './template.ts';

export const sendMailActor = 'authentik.stages.email.tasks.send_mail';
const shipped = fileURLToPath(new URL('../../mails', import.meta.url));

export interface Post {
  readonly mailer: Mailer;
  /** Folder whose files come before the shipped ones. */
  readonly templateDir: string;
}

export interface NewMail {
  readonly to: readonly string[];
  readonly subject: string;
  /** `email/password_reset.html`; its text is the file of the same name ending in `.txt`, if there is one. */
  readonly template: string;
  readonly values: Values;
  /** Its being sent sets off no notification: it is one. */
  readonly quiet?: boolean;
}

/** Queues a mail. @returns its Message-ID without brackets, which is also the suffix of the task */
export async function queueMail(db: Connection, mail: NewMail): Promise<string> {
  const messageId = `${randomUUID()}@authentik`;
  await enqueue(db, { actor: sendMailActor, args: { ...mail, messageId }, suffix: messageId });
  return messageId;
}

/** Renders and hands over to the server. @throws GatewayError `ERR_CORE_MAIL`, `ERR_CORE_MAIL_TEMPLATE` */
export async function sendMail(post: Post, mail: NewMail & { readonly messageId: string }): Promise<void> {
  const load = templateLoader(post.templateDir);
  const html = await renderTemplate(mail.template, mail.values, load);
  const textName = mail.template.replace(/\.html$/, '.txt');
  const text = await renderTemplate(textName, mail.values, load, { escaped: false }).catch(() => plainText(html));
  await post.mailer.send({ to: mail.to, subject: mail.subject, html, text, messageId: mail.messageId });
}

/** Names of all templates, own and shipped. */
export async function listTemplates(templateDir: string): Promise<string[]> {
  const own = await readdir(templateDir).catch(() => []);
  const names = [...(await readdir(`${shipped}/email`)), ...own].filter((name) => name.endsWith('.html'));
  return [...new Set(names)]
    .filter((name) => name !== 'base.html')
    .map((name) => `email/${name}`)
    .sort();
}

function templateLoader(templateDir: string) {
  return async (name: string): Promise<string> => {
    const file = name.replace(/^email\//, '');
    if (!/^[\w-]+\.(?:html|txt)$/.test(file)) throw missing(name);
    const found = (await readTemplate(templateDir, file)) ?? (await readTemplate(`${shipped}/email`, file));
    if (found === undefined) throw missing(name);
    return found;
  };
}

function missing(name: string) {
  return coreError(
    'ERR_CORE_MAIL_TEMPLATE',
    `There is no mail template ${name}.`,
    'Check AUTHENTIK_EMAIL__TEMPLATE_DIR.',
  );
}

const plainText = (html: string) =>
  html
    .replaceAll(/<style[\s\S]*?<\/style>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();

export function mailActors(post: Post): readonly Actor[] {
  return [
    {
      name: sendMailActor,
      description: 'Send email.',
      async run({ deps, args, log }) {
        const mail = {
          to: Array.isArray(args['to']) ? args['to'].map(String) : [],
          subject: String(args['subject']),
          template: String(args['template']),
          values: typeof args['values'] === 'object' && args['values'] !== null ? { ...args['values'] } : {},
          messageId: String(args['messageId']),
        };
        await sendMail(post, mail);
        log('info', 'Successfully sent mail.');
        await recordEvent(deps, {
          action: 'email_sent',
          app: 'authentik.stages.email',
          quiet: args['quiet'] === true,
          context: {
            message: `Email to ${mail.to.join(', ')} sent`,
            subject: mail.subject,
            from_email: post.mailer.from,
            to_email: mail.to,
          },
        });
      },
    },
  ];
}
