// The controls of a dashboard that only Grafana's application draws: switches of annotations by name, and links.

import { InlineLabel, ToolbarButton } from '@grafana/ui'
import React from 'react'

export const Layers = ({ layers }) =>
  layers.map((layer) => (
    <div key={layer.state.name} style={{ display: 'flex' }}>
      <InlineLabel width="auto">{layer.state.name}</InlineLabel>
      <layer.Component model={layer} />
    </div>
  ))

export const Links = ({ links }) =>
  links.filter((each) => each.placement !== 'inControlsMenu').map((each) => (
    <ToolbarButton key={each.title} icon={each.asDropdown ? 'bars' : 'external-link-alt'} isOpen={each.asDropdown ? false : undefined} variant="canvas">
      {each.title}
    </ToolbarButton>
  ))
