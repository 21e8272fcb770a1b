// The core's figures, each with its reference from the same run: a page of a hundred users against the bare query, tokens
// against bare oidc-provider, userinfo with and without expressions, logins against as many bare requests, reads beside hashing against reads alone, a change told to
// a thousand control channels and from one core to another, and what a core needs to start and to idle. `--save` writes them
// into results/, beside what other rows of the day wrote.
// Run: npx tsc -b && npx tsx --conditions source test/bench/core.ts [--save] [row …]
import { measureChannels } from './core/channels.ts';
import { measureExpressions } from './core/expressions.ts';
import { measureHashing } from './core/hashing.ts';
import { measureLogins } from './core/logins.ts';
import { measureNotices } from './core/notices.ts';
import { measurePages } from './core/pages.ts';
import { measureProcess } from './core/process.ts';
import { measureTokens } from './core/tokens.ts';
import { runRows } from './rows.ts';

await runRows('core', {
  pages: measurePages,
  tokens: measureTokens,
  expressions: measureExpressions,
  logins: measureLogins,
  hashing: measureHashing,
  channels: measureChannels,
  notices: measureNotices,
  process: measureProcess,
});
