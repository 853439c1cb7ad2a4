"""What several tests share: small models, tokenizers and questions."""
