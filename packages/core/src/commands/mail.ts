// `gatehouse core mail test <address>`: sends a mail through the configured server and says what the server says.

import { randomUUID } from 'node:crypto';
import type { Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { coreConfig } from '../config.ts';
import { sendMail } from '../mail/send.ts';
import { postOf } from '../start-options.ts';

export async function mail(words: readonly string[], { env, print }: Terminal): Promise<number | 'usage'> {
  const [action, address] = words;
  if (action !== 'test' || address === undefined || !address.includes('@')) return 'usage';
  const { config } = loadConfig(coreConfig, { env, argv: [] });
  await sendMail(postOf(config, { env, argv: [] }), {
    to: [address],
    subject: 'Test mail of gatehouse',
    template: 'email/setup.html',
    values: { to: address },
    messageId: `${randomUUID()}@authentik`,
  });
  print(`${config.email.host}:${config.email.port} took a mail to ${address}\n`);
  return 0;
}
