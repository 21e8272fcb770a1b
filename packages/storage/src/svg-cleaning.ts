// SVG cleaning (files.md §15.2): strict XML, no DTD and no entities, an allow-list of elements and attributes, nothing
// that runs or reaches out. What is not on the lists is dropped; what is not XML is refused.
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import { storageError } from './errors.ts';
import { expandedSize } from './svg-expansion.ts';

export const maxSvgBytes = 2 * 1024 * 1024;
const maxDepth = 64;
const maxNodes = 50_000;

const elements = new Set(
  (
    'svg g defs symbol use title desc metadata path rect circle ellipse line polyline polygon text tspan textPath ' +
    'image clipPath mask pattern linearGradient radialGradient stop marker filter feBlend feColorMatrix ' +
    'feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow ' +
    'feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight ' +
    'feSpecularLighting feSpotLight feTile feTurbulence switch view'
  ).split(' '),
);

const attributes = new RegExp(
  `^(?:${[
    'id|class|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|fx|fy|fr|d|dx|dy|width|height|viewBox|points|transform|version|xmlns',
    'xmlns:xlink|xml:space|preserveAspectRatio|offset|rotate|refX|refY|orient|marker[A-Za-z]+|marker-[a-z]+|role',
    'aria-[a-z]+|fill|fill-[a-z]+|stroke|stroke-[a-z]+|stop-[a-z]+|clip|clip-[a-z]+|clipPathUnits|mask|mask[A-Za-z]+',
    'opacity|color|color-[a-z-]+|display|visibility|overflow|filter|filterUnits|primitiveUnits|flood-[a-z]+',
    'lighting-color|font|font-[a-z-]+|text-[a-z-]+|letter-spacing|word-spacing|dominant-baseline|alignment-baseline',
    'baseline-shift|writing-mode|direction|textLength|lengthAdjust|startOffset|gradientUnits|gradientTransform',
    'spreadMethod|patternUnits|patternContentUnits|patternTransform|in|in2|result|mode|operator|type|values|stdDeviation',
    'k1|k2|k3|k4|scale|xChannelSelector|yChannelSelector|order|kernelMatrix|divisor|bias|targetX|targetY|edgeMode',
    'kernelUnitLength|preserveAlpha|surfaceScale|diffuseConstant|specular[A-Za-z]+|limitingConeAngle|pointsAt[XYZ]|z',
    'azimuth|elevation|baseFrequency|numOctaves|seed|stitchTiles|radius|slope|intercept|amplitude|exponent|tableValues',
    'shape-rendering|image-rendering|text-rendering|vector-effect|paint-order|pathLength|style|href|xlink:href',
  ].join('|')})$`,
);

type Node = Readonly<Record<string, unknown>>;
const attributesKey = ':@';
const attributePrefix = '@_';

/**
 * Returns a drawing without anything active.
 * @throws GatewayError `ERR_STORAGE_TYPE_REJECTED` when it is not well-formed, has a DTD, or is too deep or too large
 */
export function cleanSvg(name: string, content: Uint8Array): Buffer {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(guardUtf8(name, content));
  if (/<!DOCTYPE|<!ENTITY|<!\[CDATA\[/i.test(text))
    throw refused(name, 'it has a document type, an entity or a CDATA section');
  if (XMLValidator.validate(text) !== true) throw refused(name, 'it is not well-formed XML');
  const options = { preserveOrder: true, ignoreAttributes: false, processEntities: false, trimValues: false } as const;
  const tree: unknown = new XMLParser({ ...options, attributeNamePrefix: attributePrefix }).parse(text);
  const budget = { nodes: maxNodes };
  const root = cleanNodes(name, tree, 0, budget).filter((node) => Object.hasOwn(node, 'svg'));
  if (root.length !== 1) throw refused(name, 'its root element is not svg');
  if (expandedSize(root, maxNodes) > maxNodes)
    throw refused(name, `its references draw more than ${maxNodes} elements`);
  const built: unknown = new XMLBuilder({ ...options, attributeNamePrefix: attributePrefix }).build(root);
  return Buffer.from(String(built), 'utf8');
}

function guardUtf8(name: string, content: Uint8Array): Uint8Array {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(content);
    return content;
  } catch (cause) {
    throw refused(name, 'it is not UTF-8', cause);
  }
}

function cleanNodes(name: string, nodes: unknown, depth: number, budget: { nodes: number }): Node[] {
  if (depth > maxDepth) throw refused(name, `it is nested deeper than ${maxDepth} elements`);
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((node: unknown) => {
    budget.nodes -= 1;
    if (budget.nodes < 0) throw refused(name, `it has more than ${maxNodes} elements`);
    return cleanNode(name, node, depth, budget);
  });
}

function cleanNode(name: string, node: unknown, depth: number, budget: { nodes: number }): Node[] {
  if (!isNode(node)) return [];
  if (Object.hasOwn(node, '#text')) return [{ '#text': node['#text'] }];
  const tag = Object.keys(node).find((key) => key !== attributesKey);
  if (tag === undefined || !elements.has(tag)) return [];
  const children = cleanNodes(name, node[tag], depth + 1, budget);
  return [{ [tag]: children, [attributesKey]: cleanAttributes(tag, node[attributesKey]) }];
}

function cleanAttributes(tag: string, given: unknown): Node {
  if (!isNode(given)) return {};
  return Object.fromEntries(
    Object.entries(given).filter(([key, value]) => {
      const attribute = key.slice(attributePrefix.length);
      return attributes.test(attribute) && typeof value === 'string' && isHarmless(tag, attribute, value);
    }),
  );
}

/** Links only inside the drawing or to embedded raster images; styles without URLs; no entities where schemes hide. */
function isHarmless(tag: string, attribute: string, value: string): boolean {
  if (attribute === 'href' || attribute === 'xlink:href') {
    return (
      /^#[\w.:-]+$/.test(value) ||
      (tag === 'image' && /^data:image\/(?:png|jpeg|gif|webp);base64,[\w+/=\s]*$/.test(value))
    );
  }
  if (/[&\\]|javascript:|expression\s*\(|@import|behavior\s*:/i.test(value)) return attribute === 'aria-label';
  return !/url\s*\(/i.test(value.replace(/url\(\s*(['"]?)#[\w.:-]+\1\s*\)/gi, ''));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(name: string, why: string, cause?: unknown) {
  return storageError('ERR_STORAGE_TYPE_REJECTED', `SVG "${name}" is refused: ${why}.`, 'Save it as plain SVG.', cause);
}
