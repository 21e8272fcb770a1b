// Making an object on somebody's behalf, by whichever route: their roles get what they are set to get on it (core.md §3.3).
import type { Model, Row, Values } from '../models/model.ts';
import { createRow } from '../models/store.ts';
import type { Unit } from '../models/unit.ts';
import { grantInitially } from '../rbac/initial-permissions.ts';

/** @throws InvalidInput with everything that is wrong */
export async function createByRequest(unit: Unit, model: Model, input: Values): Promise<Row> {
  const row = await createRow(unit, model, input, 'api');
  await grantInitially(unit, model, row);
  return row;
}
