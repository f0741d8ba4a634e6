"""Campaigns that use everything that personalization has."""

from typing import Any, Final

FILTERS: Final[dict[str, Any]] = {
    "name": "Filters, conditions and languages",
    "channel": "sms",
    "base_template": (
        '{first_name|trim|default:"Valued Customer"|truncate:30}{{if vip and points > 100}} VIP {points|number}'
        "{{else if not location}} nowhere{{else}} in {location|titlecase}{{end}}"
        ' {points|currency:"KES"} {attributes.renewal|date:"%d %b"} {created_at|date} {last_name|uppercase}'
        " {preferred_product|pluralize|lowercase} {tags} {nickname|capitalize} {unknown} {{first_name}}"
        ' {"{first_name}"} 100% {order_number|urlencode}'
    ),
    "templates": {
        "sw": 'Habari {first_name}! {points|number} {renewal|date} {{if renewal < 2026-12-01}}{"{"}{{end}}{created_at}',
        "ar": "مرحبا {first_name} {points|number} {renewal|date} {phone}",
        "zh-Hant": '{first_name}，{points|currency:"EUR"}',
    },
}

VARIANTS: Final[dict[str, Any]] = {
    "name": "Variants and a hold-out",
    "channel": "sms",
    "variants": [
        {"name": "plain", "weight": 2, "base_template": "Hi {first_name}, {location}", "templates": {"sw": "{phone}!"}},
        {"name": "rich", "weight": 3, "base_template": "{{if vip}}Dear {last_name}{{else}}{location|lowercase}{{end}}"},
        {"name": "often blank", "weight": 2, "base_template": "{nickname|trim}", "templates": {"he": "{tags}"}},
    ],
    "holdout_percent": 15,
}

RICH: Final[dict[str, Any]] = {
    "name": "Rich content, variants and languages",
    "channel": "whatsapp",
    "variants": [
        {"name": "a", "base_template": "Hi {first_name}", "templates": {"sw": "Habari {first_name|truncate:900}"}},
        {"name": "b", "base_template": "Hello {last_name|truncate:1000} in {{if location}}{location}{{end}}"},
    ],
    "content": {
        "header": {"type": "image", "url": "{attributes.image}"},
        "footer": "Reply STOP to unsubscribe",
        "buttons": [
            {"type": "reply", "text": '{nickname|truncate:25|default:"Yes"}', "payload": "{order_number|truncate:256}"},
            {"type": "url", "text": "Open", "url": "https://example.com/{location|truncate:80|urlencode}"},
            {"type": "call", "text": "Call us", "phone": "{phone}"},
        ],
    },
}

ALL: Final = (FILTERS, VARIANTS, RICH)
