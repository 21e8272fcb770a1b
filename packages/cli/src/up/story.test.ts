// The log of an installation: whole lines in order, and a full disk that ends nobody.
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test, vi } from 'vitest';
import { openStory } from './story.ts';

test('lines come in order, and are there after the end', async () => {
  await using folder = await temporaryFolder();
  const complain = vi.fn();
  {
    await using story = await openStory(folder.path, complain);
    for (let line = 0; line < 100; line += 1) story.write(String(line));
  }
  const lines = (await readFile(join(folder.path, 'gatehouse.log'), 'utf8')).trim().split('\n');
  expect(lines.map(Number)).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(complain).not.toHaveBeenCalled();
});

test('a disk that is full is complained of once', async () => {
  await using folder = await temporaryFolder();
  await symlink('/dev/full', join(folder.path, 'gatehouse.log'));
  const complain = vi.fn();
  await using story = await openStory(folder.path, complain);
  for (let line = 0; line < 5; line += 1) story.write(String(line));
  await vi.waitFor(() => expect(complain).toHaveBeenCalled());
  expect(complain.mock.calls).toEqual([[expect.stringMatching(/gatehouse\.log lacks lines from now on: ENOSPC/)]]);
});
