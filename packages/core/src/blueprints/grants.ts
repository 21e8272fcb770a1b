// Rights on one object that an entry gives away (core.md §20.4, `permissions`): to a user by pk, or to a role by uuid.

import { isMapping } from '../models/merge.ts';
import { appLabel, type Model, type Row } from '../models/model.ts';
import { keyOf } from '../models/store.ts';
import type { Unit } from '../models/unit.ts';
import { grantToRole } from '../rbac/models.ts';

export async function grantObject(unit: Unit, model: Model, row: Row, given: unknown): Promise<void> {
  const { permission, user, role } = isMapping(given) ? given : {};
  if (typeof permission !== 'string' || (user == null && role == null))
    throw new Error('rights on an object need a permission, and a user or a role');
  const full = permission.includes('.') ? permission : `${appLabel(model)}.${permission}`;
  const object = String(keyOf(model, row));
  if (role != null) await grantToRole(unit, String(role), [full], object);
  if (user == null) return;
  await unit.db
    .insertInto('grants')
    .values({ user_id: Number(user), permission: full, object })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
