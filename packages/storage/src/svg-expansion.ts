// How much a drawing becomes when it is drawn: an element that refers to another (`use`, patterns, masks, filters) draws that
// one again, so a few lines that refer to each other in tens can keep a browser busy for hours (files.md §15.2).

/** A drawing as fast-xml-parser gives it with `preserveOrder`. */
type Node = Readonly<Record<string, unknown>>;

const attributesKey = ':@';

/**
 * Elements that are drawn, each as often as it is.
 * @returns a number above `most`, not exact, as soon as there are more; a reference in a circle draws nothing
 */
export function expandedSize(root: readonly Node[], most: number): number {
  const byId = new Map<string, Node>();
  collect(root, byId);
  const sizes = new Map<Node, number>();
  const open = new Set<Node>();
  const sizeOf = (node: Node): number => {
    const known = sizes.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) return 0;
    open.add(node);
    let size = 1;
    for (const child of childrenOf(node)) size += sizeOf(child);
    for (const id of referencesOf(node)) {
      const target = byId.get(id);
      if (target !== undefined) size += sizeOf(target);
    }
    open.delete(node);
    const bounded = Math.min(size, most + 1);
    sizes.set(node, bounded);
    return bounded;
  };
  return root.reduce((sum, node) => sum + sizeOf(node), 0);
}

function collect(nodes: readonly Node[], byId: Map<string, Node>): void {
  for (const node of nodes) {
    const id = attributesOf(node).find(([name]) => name === '@_id')?.[1];
    if (id !== undefined && !byId.has(id)) byId.set(id, node);
    collect(childrenOf(node), byId);
  }
}

function childrenOf(node: Node): readonly Node[] {
  return Object.entries(node).flatMap(([tag, content]) =>
    tag !== attributesKey && Array.isArray(content) ? content : [],
  );
}

function attributesOf(node: Node): [string, string][] {
  const attributes = node[attributesKey];
  if (typeof attributes !== 'object' || attributes === null) return [];
  return Object.entries(attributes).map(([name, value]) => [name, String(value)]);
}

/** Ids that an element's attributes name, by `#id` or `url(#id)`. */
function referencesOf(node: Node): string[] {
  return attributesOf(node).flatMap(([name, value]) => {
    if (name === '@_href' || name === '@_xlink:href') return value.startsWith('#') ? [value.slice(1)] : [];
    return [...value.matchAll(/url\(\s*['"]?#([^'")]+)['"]?\s*\)/g)].map(([, id = '']) => id.trim());
  });
}
