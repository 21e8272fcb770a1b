// The picture behind flows that have none, of brands that have none.
export const defaultBackground = '/static/dist/assets/images/flow_background.jpg';
