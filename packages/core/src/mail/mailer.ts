// Sends mails (core.md §20.3, "Email"). The one file that imports nodemailer.
import { readFile } from 'node:fs/promises';
import nodemailer from 'nodemailer';
import { coreError } from '../errors.ts';

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Read anew for each mail, so that a rotated secret works. */
  readonly password: () => string | undefined;
  readonly useTls: boolean;
  readonly useSsl: boolean;
  readonly timeoutMs: number;
  readonly from: string;
}

export interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** Without angle brackets; the same for every attempt, so that a retry makes no second mail. */
  readonly messageId: string;
}

export interface Mailer {
  readonly from: string;
  /** @throws GatewayError `ERR_CORE_MAIL` */
  send(mail: Mail): Promise<void>;
  /** Connects and logs in, sends nothing. @throws GatewayError `ERR_CORE_MAIL` */
  check(): Promise<void>;
}

export function createMailer(settings: MailSettings): Mailer {
  const { host, port, username, useTls, useSsl, timeoutMs, from } = settings;
  const withTransport = async <T>(work: (transport: nodemailer.Transporter) => Promise<T>): Promise<T> => {
    const transport = nodemailer.createTransport({
      host,
      port,
      secure: useSsl,
      requireTLS: useTls,
      ignoreTLS: !useTls && !useSsl,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(username === '' ? {} : { auth: { user: username, pass: settings.password() ?? '' } }),
    });
    try {
      return await work(transport);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw coreError(
        'ERR_CORE_MAIL',
        `The mail server ${host}:${port} did not take the mail: ${reason}.`,
        'Check AUTHENTIK_EMAIL__*, and try: gatehouse core mail test <address>.',
        cause,
      );
    } finally {
      transport.close();
    }
  };
  return {
    from,
    async send({ to, subject, html, text, messageId }) {
      await withTransport((transport) =>
        transport.sendMail({ from, to: [...to], subject, html, text, messageId: `<${messageId}>` }),
      );
    },
    async check() {
      await withTransport((transport) => transport.verify());
    },
  };
}

/** A template's file, if the folder has it. */
export function readTemplate(folder: string, name: string): Promise<string | undefined> {
  return readFile(`${folder}/${name}`, 'utf8').catch(() => undefined);
}
