import { mount } from '@vue/test-utils'
import { beforeAll, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { speak } from '@/kit/i18n'
import ErrorSummary from '@/kit/ui/ErrorSummary.vue'
import TextField from '@/kit/ui/TextField.vue'
import zh from '@/kit/zh-CN.json'

beforeAll(() => speak([zh], async () => []))

describe('a text field', () => {
  it('names itself, its hint and its error to those who cannot see', () => {
    const field = mount(TextField, { props: { id: 'phone', label: '电话', hint: '11 位', error: '请检查', modelValue: '' } })
    const input = field.get('input')
    expect(field.get('label').attributes('for')).toBe('phone')
    expect(input.attributes('aria-describedby')).toBe('phone-hint phone-error')
    expect(input.attributes('aria-invalid')).toBe('true')
  })
})

describe('the error summary', () => {
  it('takes the focus, marks the title, and leads to the field', async () => {
    document.title = '页'
    document.body.innerHTML = '<input id="phone"><div id="here"></div>'
    const summary = mount(ErrorSummary, { props: { errors: {} }, attachTo: '#here' })
    expect(summary.find('[role=alert]').exists()).toBe(false)

    await summary.setProps({ errors: { phone: '请填写电话' } })
    await nextTick()

    expect(document.title).toBe('错误：页')
    expect(document.activeElement?.className).toBe('summary')
    await summary.get('a').trigger('click')
    expect(document.activeElement?.id).toBe('phone')

    await summary.setProps({ errors: {} })
    expect(document.title).toBe('页')
  })
})
