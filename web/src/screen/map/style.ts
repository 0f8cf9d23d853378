/** The map's look: near-black ground, borders that step back, one ramp for density and one for areas. No glyphs, no tiles. */
import type { ExpressionSpecification, StyleSpecification } from 'maplibre-gl'
import type { FeatureCollection } from 'geojson'

export const EMPTY: FeatureCollection = { type: 'FeatureCollection', features: [] }

/** Dark violet, orange, pale yellow: even steps of lightness, so that more always looks brighter. */
export const HEAT = ['rgba(20,11,52,0)', '#2c1160', '#6f1f6c', '#b63655', '#e8602d', '#fb9b06', '#fcea9e'] as const
export const AREAS = ['#13202e', '#15405a', '#1d6580', '#2f8090', '#4fa59f'] as const

const heat: ExpressionSpecification = [
  'interpolate', ['linear'], ['heatmap-density'],
  0, HEAT[0], 0.08, HEAT[1], 0.25, HEAT[2], 0.45, HEAT[3], 0.65, HEAT[4], 0.85, HEAT[5], 1, HEAT[6],
]  // prettier-ignore

/** A share of the fullest town, by square root, so that the middle of the city does not put everything else into the dark. */
const shade: ExpressionSpecification = [
  'interpolate', ['linear'], ['coalesce', ['feature-state', 'share'], 0],
  0, AREAS[0], 0.25, AREAS[1], 0.5, AREAS[2], 0.75, AREAS[3], 1, AREAS[4],
]  // prettier-ignore

export function style(counties: FeatureCollection, towns: FeatureCollection, rem: number): StyleSpecification {
  return {
    version: 8,
    sources: {
      counties: { type: 'geojson', data: counties, promoteId: 'code' },
      towns: { type: 'geojson', data: towns, promoteId: 'code' },
      grids: { type: 'geojson', data: EMPTY },
      points: { type: 'geojson', data: EMPTY },
      names: { type: 'geojson', data: EMPTY },
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': '#0b131e' } },
      { id: 'land', type: 'fill', source: 'counties', paint: { 'fill-color': AREAS[0] } },
      { id: 'towns', type: 'fill', source: 'towns', layout: { visibility: 'none' }, paint: { 'fill-color': shade, 'fill-antialias': false } },
      {
        id: 'heat',
        type: 'heatmap',
        source: 'points',
        paint: {
          'heatmap-weight': ['get', 'weight'],
          'heatmap-intensity': ['interpolate', ['linear'], ['zoom'], 7, 1.6, 10, 1.9, 13, 2.2],
          'heatmap-radius': ['interpolate', ['exponential', 1.6], ['zoom'], 7, rem * 1.1, 9, rem * 2.2, 11, rem * 3.4, 14, rem * 6],
          'heatmap-color': heat,
          'heatmap-opacity': 0.92,
        },
      },
      { id: 'grid-lines', type: 'line', source: 'grids', minzoom: 10.8, paint: { 'line-color': '#7d93aa', 'line-opacity': 0.22, 'line-width': 0.7 } },
      { id: 'town-lines', type: 'line', source: 'towns', paint: { 'line-color': '#6d88a3', 'line-opacity': ['interpolate', ['linear'], ['zoom'], 8, 0.28, 11, 0.55], 'line-width': 0.8 } },
      { id: 'county-lines', type: 'line', source: 'counties', paint: { 'line-color': '#8fa9c2', 'line-width': rem * 0.085 } },
      { id: 'chosen', type: 'line', source: 'counties', filter: ['==', ['get', 'code'], ''], paint: { 'line-color': '#ffffff', 'line-width': rem * 0.14 } },
      {
        id: 'names',
        type: 'symbol',
        source: 'names',
        layout: {
          'text-field': ['get', 'label'],
          'text-font': ['sans-serif'],
          'text-size': ['case', ['==', ['get', 'level'], 'county'], rem * 0.95, rem * 0.8],
          'symbol-sort-key': ['case', ['==', ['get', 'level'], 'county'], 0, 1],
          'text-padding': 4,
          'text-line-height': 1.25,
        },
        paint: { 'text-color': '#e9f0f6', 'text-halo-color': '#0b131e', 'text-halo-width': rem * 0.12 },
      },
    ],
  }
}
