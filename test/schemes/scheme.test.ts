// Schemes are data: presets, changes to them, and what is refused in words.

import { describe, expect, it } from 'vitest';
import { OBSERVER_NAMES } from '../../src/observe/observer.js';
import { CALIBRATION_OBSERVERS, isSelected, PRESET_NAMES, resolveScheme } from '../../src/schemes/scheme.js';

describe('resolveScheme', () => {
  it.each(PRESET_NAMES)('resolves the preset %s', (name) => {
    const scheme = resolveScheme(name);
    expect(scheme.name).toBe(name);
    expect(scheme.operators.length).toBeGreaterThan(0);
  });

  it('knows the observers that there are', () => {
    expect(CALIBRATION_OBSERVERS).toEqual(OBSERVER_NAMES);
  });

  it('takes static-u8i8 when nothing is said', () => {
    expect(resolveScheme()).toEqual(resolveScheme('static-u8i8'));
  });

  it('changes only what is asked', () => {
    const scheme = resolveScheme({ activations: { format: 'i8' }, exclude: ['head*'] });
    expect(scheme.activations).toEqual({
      format: 'i8',
      symmetric: false,
      granularity: 'tensor',
      mode: 'static',
      observer: 'min-max',
    });
    expect(scheme.weights).toEqual(resolveScheme().weights);
    expect(scheme.name).toBe('static-u8i8 (changed)');
  });

  it.each([
    ['a preset', 'int4', /'?int4'?.*static-u8i8, static-i8i8/],
    ['a key', { weight: {} }, /"weight".*weights/],
    ['a format', { weights: { format: 'f32' } }, /"f32".*u8, i8/],
    ['asymmetric weights', { weights: { symmetric: false } }, /scheme.weights.symmetric.*true/],
    ['an operator', { operators: ['Conv', 'Softmax'] }, /"Softmax".*Conv/],
    ['an operator of the other mode', { preset: 'dynamic-u8i8', operators: ['Add'] }, /"Add".*MatMul/],
    ['operators as text', { operators: 'Conv' }, /list of strings/],
    ['i8 with u8 weights', { preset: 'static-i8i8', weights: { format: 'u8' } }, /not supported by runtimes/],
    ['dynamic i8', { preset: 'dynamic-u8i8', activations: { format: 'i8' } }, /DynamicQuantizeLinear/],
    ['an observer', { activations: { observer: 'median' } }, /"median".*min-max, mean-deviation/],
    ['a list', { weights: [] }, /object/],
  ])('refuses %s with the known words', (_what, wanted, message) => {
    const attempt = (): unknown => resolveScheme(wanted as Parameters<typeof resolveScheme>[0]);
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }));
    expect(attempt).toThrow(message);
  });
});

describe('isSelected', () => {
  const scheme = resolveScheme({ exclude: ['exact', 'block*conv', '*tail', 'a*b*c'] });
  it.each([
    ['exact', false],
    ['exactly', true],
    ['block1/conv', false],
    ['blockconv', false],
    ['block1/conv2', true],
    ['the tail', false],
    ['abc', false],
    ['a-b-c', false],
    ['ac', true],
  ])('%s: %s', (name, selected) => {
    expect(isSelected(scheme, 'Conv', name)).toBe(selected);
  });

  it('leaves out operators that the scheme does not list', () => {
    expect(isSelected(scheme, 'Softmax', 'x')).toBe(false);
  });

  it('does not let two parts of a pattern overlap', () => {
    expect(isSelected(resolveScheme({ exclude: ['ab*ba'] }), 'Conv', 'aba')).toBe(true);
  });
});
