import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { claimFolder } from './claim.ts';

test('a folder is claimed once, and free again at the end', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'up.pid');
  await writeFile(path, `${process.ppid} ${await beginning(process.ppid)}\n`);
  await expect(claimFolder(folder.path)).rejects.toMatchObject({
    code: 'ERR_CLI_ALREADY_RUNNING',
    message: expect.stringContaining(`process ${process.ppid}`),
  });
  await writeFile(path, '');
  const claim = await claimFolder(folder.path);
  expect(await readFile(path, 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
  await claim[Symbol.asyncDispose]();
  await expect(readFile(path)).rejects.toThrow();
});

for (const [what, text] of [
  ['one that is gone', '999999999 1'],
  ['a number that another process has now', `${process.ppid} 1`],
  ['a number that is ours by chance', `${process.pid} 1`],
  ['no number', 'x'],
] as const) {
  test(`a note of ${what} does not count`, async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'up.pid'), text);
    await (await claimFolder(folder.path))[Symbol.asyncDispose]();
  });
}

async function beginning(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
